"""Projects with named stages, and one home for all: the builder is unpacked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightship.build.building import build_plan, plan_project
from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.oci.record import Compression
from lightship.platform import Platform
from lightship.project.detect import read_project
from tests.integration.build.calling import Lightship

CONFIGURATION = """\
[tool.lightship]
name = "demo"
python = "3.11"
sources = ["app.py"]
command = ["python", "app.py"]
bytecode = "none"

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
torch = "none"

"""


@pytest.fixture(scope="session")
def lightship(new_lightship: Callable[[], Lightship]) -> Lightship:
    return new_lightship()


@dataclass(frozen=True, slots=True)
class Demo:
    """A project; `app.py` prints what the image is to show."""

    folder: Path
    lightship: Lightship

    def configure(self, stages: str) -> None:
        (self.folder / "pyproject.toml").write_text(CONFIGURATION + stages)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def fails(self, code: int) -> str:
        return self.lightship.fails(code, "build", cwd=self.folder)

    def shows(self) -> str:
        """Build the image, start it, and give what its application prints."""
        self.lightship.build(self.folder)
        done = self.lightship.run("run", "demo:none", cwd=self.folder)
        assert done.code == 0, done.err
        return done.out

    def build(self, *, seconds: float) -> Built:
        """Build in this process, with a limit for each stage."""
        machine = Machine(
            environ=self.lightship.variables(),
            user=Path.home(),
            prefix=self.folder,
            clock=lambda: datetime.now(UTC),
            reporter=SilentReporter(),
            build_seconds=seconds,
        )
        project = read_project(self.folder)
        assert isinstance(machine.transport, HttpTransport)
        with machine.transport:
            plan = plan_project(project, "none", Platform("amd64"), machine, locked=False)
            return build_plan(project, plan, machine, Compression.GZIP)


@pytest.fixture
def demo(tmp_path: Path, lightship: Lightship) -> Callable[[str], Demo]:
    def make(stages: str) -> Demo:
        made = Demo(tmp_path / "demo", lightship)
        made.write("requirements.txt", "six\n")
        made.write("app.py", "from pathlib import Path\nprint(Path('/app/result').read_text())\n")
        made.configure(stages)
        return made

    return make
