"""Emitted Dockerfiles, really built by Docker: they start, and install what the direct engine installs."""

from __future__ import annotations

import filecmp
import os
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.standins import SLIM
from tests.integration.build.calling import Lightship, free_port
from tests.support.docker_build import DockerBuilds
from tests.support.programs import Run, caller

pytestmark = pytest.mark.integration
CONFIGURATION = """\
name = "emitted"
python = "3.11"
variant = "none"
command = ["uvicorn", "main:app", "--port", "{port}"]
sources = ["main.py"]
health = "http://127.0.0.1:{port}/"
trim = "none"
bytecode = "none"

[variants.none]
requirements = ["requirements.txt"]
torch = "none"

[stages.word]
run = ["echo made > /out/word"]
copy = {{ "/out/word" = "/app/word" }}
"""
FILES = {
    "main.py": "from pathlib import Path\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n"
    '@app.get("/")\ndef root() -> str:\n    return Path("word").read_text()\n',
    "requirements.txt": "fastapi\nuvicorn[standard]\npsycopg2-binary\n",
    "requirements-dev.txt": "itsdangerous\n",
}
BASES = {"PYTHON_IMAGE": SLIM.tag, "BUILDER_IMAGE": SLIM.tag}
SITE = {
    "wheels": "usr/local/lib/python3.11/site-packages",
    "site-packages": "usr/local/lib/python3.11/site-packages",
    "venv": "opt/venv/lib/python3.11/site-packages",
}
OF_THE_BASE = ("_distutils_hack", "distutils-precedence.pth", "pip", "pkg_resources", "setuptools", "wheel")
BY_INSTALLERS = ("INSTALLER", "RECORD", "REQUESTED")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def lightship(new_lightship: Callable[[], Lightship]) -> Lightship:
    return new_lightship()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, port: int) -> Path:
    folder = tmp_path_factory.mktemp("emitted")
    for name, text in {**FILES, "lightship.toml": CONFIGURATION.format(port=port)}.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def direct(project: Path, lightship: Lightship, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("direct") / "root"
    lightship.ask("build", "-o", f"rootfs:{root}", cwd=project)
    return root / "opt/venv/lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def client(bases: str) -> Iterator[Run]:
    call = caller("/usr/bin/docker", "--host", bases)
    yield call
    if images := set(call("image", "ls", "--quiet", "emitted").split()):
        call("image", "rm", "--force", *sorted(images))


@pytest.mark.parametrize("style", SITE)
def test_each_style_starts_and_installs_what_the_direct_engine_does(
    *,
    style: str,
    project: Path,
    lightship: Lightship,
    direct: Path,
    build: DockerBuilds,
    client: Run,
    port: int,
    tmp_path: Path,
) -> None:
    lightship.ask("dockerfile", "--portable", "--style", style, cwd=project)
    tag = f"emitted:{style}"
    build(project, project / "Dockerfile", tag=tag, target="production", build_args=BASES)
    assert answer(client, tag, port) == '"made\\n"'
    ours, theirs = tree(direct), tree(exported(client, tag, tmp_path) / SITE[style])
    assert ours.keys() == theirs.keys()
    differing = [name for name in ours if not filecmp.cmp(ours[name], theirs[name], shallow=False)]
    assert differing == []


def test_development_reloads_and_has_its_tools(
    project: Path, lightship: Lightship, build: DockerBuilds, client: Run, port: int
) -> None:
    lightship.ask("dockerfile", "--portable", cwd=project)
    tag = "emitted:development"
    build(project, project / "Dockerfile", tag=tag, target="development", build_args=BASES)
    assert answer(client, tag, port) == '"made\\n"'
    inside = ("run", "--rm", "--network", "none", tag)
    assert "itsdangerous" in client(*inside, "pip", "list")
    assert "less " in client(*inside, "less", "--version")
    assert "uid=1001(appuser)" in client(*inside, "id")


def test_no_layer_of_production_has_a_wheel_and_all_modules_are_compiled(
    project: Path, lightship: Lightship, build: DockerBuilds, client: Run
) -> None:
    lightship.ask("dockerfile", "--portable", cwd=project)
    tag = "emitted:layers"
    build(project, project / "Dockerfile", tag=tag, target="production", build_args=BASES)
    script = "find / -xdev -name '*.whl' -not -path '/usr/local/share/*'; ls /app/__pycache__"
    assert client("run", "--rm", "--network", "none", tag, "sh", "-c", script) == "main.cpython-311.pyc\n"
    code = f"/{SITE['wheels']}/fastapi/__pycache__/applications.cpython-311.pyc"
    flags = client(
        "run", "--rm", "--network", "none", tag, "python", "-c", f"print(open('{code}', 'rb').read(8)[4])"
    )
    assert flags == "3\n"  # PEP 552: checked by the source's hash


def answer(client: Run, tag: str, port: int) -> str:
    container = client("run", "--detach", "--network", "host", tag).strip()
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
                    return str(reply.read().decode())
            except OSError:
                assert time.monotonic() < end, client("logs", container)
                time.sleep(0.2)
    finally:
        client("rm", "--force", container)


def exported(client: Run, tag: str, folder: Path) -> Path:
    container = client("create", tag).strip()
    client("export", "--output", str(folder / "image.tar"), container)
    client("rm", container)
    with tarfile.open(folder / "image.tar") as archive:
        members = [item for item in archive if item.name.startswith(("usr/local/lib/python", "opt/venv"))]
        archive.extractall(folder, members, filter="tar")
    return folder


def tree(site: Path) -> dict[str, Path]:
    """Map the files that wheels bring: no bytecode, no installer's notes, nothing of the base's own."""
    found = {}
    for folder, inner, names in os.walk(site):
        inner[:] = [name for name in inner if name != "__pycache__"]
        for name in names:
            path = Path(folder) / name
            relative = path.relative_to(site)
            if relative.parts[0].split("-")[0] in {*OF_THE_BASE, "distutils"} or name in BY_INSTALLERS:
                continue
            found[relative.as_posix()] = path
    return found
