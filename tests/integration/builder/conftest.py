"""Projects whose requirements have no wheel, and one cache for all: the builder is unpacked once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightship.build.building import plan_project
from lightship.build.compiling import build_wheels, builder_root
from lightship.build.fetching import Fetcher
from lightship.build.machine import Machine
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.platform import Platform
from lightship.project.detect import read_project
from scripts.ports import free_port
from tests.integration.build.calling import Lightship

CONFIGURATION = """\
# what the image is made of
[tool.lightship]
name = "demo"
python = "3.11"
sources = ["app.py"]
command = ["python", "app.py"]   # no server
bytecode = "none"
build-packages = [{build}]
runtime-packages = [{runtime}]

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
torch = "none"
"""


@pytest.fixture(scope="session")
def lightship(new_lightship: Callable[[], Lightship]) -> Lightship:
    return new_lightship()


@dataclass(frozen=True, slots=True)
class Demo:
    """A project beside a folder of source distributions."""

    folder: Path
    lightship: Lightship

    def wheels(self, *, seconds: float = 300.0, **environ: str) -> list[Path]:
        """Build its wheels in this process; gives where they lie."""
        project = read_project(self.folder)
        machine = Machine(
            environ={**self.lightship.variables(), **environ},
            user=Path.home(),
            prefix=self.folder,
            clock=lambda: datetime.now(UTC),
            reporter=SilentReporter(),
            build_seconds=seconds,
        )
        assert isinstance(machine.transport, HttpTransport)
        with machine.transport:
            plan = plan_project(project, "none", Platform("amd64"), machine, locked=False)
            fetch, root = Fetcher(project, machine, "bookworm"), builder_root(project, plan, plan.builder)
            made = build_wheels(project, "none", plan.builds, root, machine=machine, fetch=fetch)
        return [machine.home.archives / "sha256" / wheel.sha256 for wheel in made]


@pytest.fixture
def demo(tmp_path: Path, lightship: Lightship) -> Callable[..., Demo]:
    """Make a project: its requirements, source distributions by file name, Debian packages as TOML."""

    def make(
        requirements: str, sdists: Mapping[str, bytes] | None = None, *, build: str = "", runtime: str = ""
    ) -> Demo:
        folder, links = tmp_path / "demo", tmp_path / "links"
        folder.mkdir()
        links.mkdir()
        for name, data in (sdists or {}).items():
            (links / name).write_bytes(data)
        (folder / "pyproject.toml").write_text(CONFIGURATION.format(build=build, runtime=runtime))
        (folder / "requirements.txt").write_text(requirements)
        (folder / "app.py").write_text("print('started')\n")
        found = [os.environ.get("PIP_FIND_LINKS", ""), str(links)]
        return Demo(folder, lightship.using(PIP_FIND_LINKS=" ".join(filter(None, found))))

    return make


@pytest.fixture
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server of Debian's, and give what a client connects with."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be root
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, user)

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", f"{folder}/data", *arguments]
            subprocess.run(command, user=user, cwd=folder, check=True, capture_output=True)

        run("initdb", "-U", "postgres", "-A", "trust", "-N")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"host=127.0.0.1 port={port} user=postgres"
        finally:
            run("pg_ctl", "-m", "fast", "stop")
