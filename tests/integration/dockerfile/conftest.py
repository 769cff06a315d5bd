"""What is built here: a small service, with its lock and its recorded start, by each engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.containers import private_containers
from scripts.ports import free_port
from scripts.standins import SLIM, standins
from tests.integration.build.calling import Lightship
from tests.support.docker_build import BuildahBuilds, buildah_builds
from tests.support.programs import Run, caller

CONFIGURATION = """\
name = "emitted"
python = "3.11"
variant = "none"
command = ["uvicorn", "main:app", "--port", "{port}"]
sources = ["main.py"]
health = "http://127.0.0.1:{port}/"
trim = "safe"
strip = true

[variants.none]
requirements = ["requirements.txt"]
torch = "none"

[stages.word]
run = ["echo made > /out/word"]
copy = {{ "/out/word" = "/app/word" }}
"""
FILES = {
    "main.py": "from pathlib import Path\n\nimport uvloop\nfrom fastapi import FastAPI\n\napp = FastAPI()\n"
    '\n\n@app.get("/")\ndef root() -> str:\n    return Path("word").read_text() * bool(uvloop)\n',
    "requirements.txt": "fastapi\nuvicorn[standard]\npsycopg2-binary\n",
    "requirements-dev.txt": "itsdangerous\n",
}


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
    """The direct engine's image, unpacked; its start is recorded beside the lock."""
    root = tmp_path_factory.mktemp("direct") / "root"
    lightship.ask("build", "--record", "-o", f"rootfs:{root}", cwd=project)
    return root


@pytest.fixture(scope="module")
def docker(bases: str) -> Iterator[Run]:
    call = caller("/usr/bin/docker", "--host", bases)
    yield call
    if images := set(call("image", "ls", "--quiet", "emitted").split()):
        call("image", "rm", "--force", *sorted(images))


@pytest.fixture(scope="module")
def storage() -> Iterator[dict[str, str]]:
    """Variables that give Buildah and Podman storage of their own, with the slim stand-in in it."""
    with private_containers() as variables:
        environ = {**os.environ, **variables}
        (archive,) = standins((SLIM,))
        caller("skopeo", env=environ)(
            "copy", "--quiet", f"docker-archive:{archive}", f"containers-storage:localhost/{SLIM.tag}"
        )
        yield environ


@pytest.fixture(scope="module")
def buildah(storage: dict[str, str]) -> Iterator[BuildahBuilds]:
    with buildah_builds(storage) as builds:
        yield builds


@pytest.fixture(scope="module")
def podman(storage: dict[str, str]) -> Run:
    return caller("podman", env=storage)
