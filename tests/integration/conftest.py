"""Container engines, each with storage of its own that goes when the test ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.containers import private_containers
from scripts.standins import load
from tests.integration.build.calling import ROOT, Lightship, sharing
from tests.support.docker_build import DockerBuilds, cpu_torch, docker_builds
from tests.support.programs import Run, caller
from tests.support.tools import missing_tools


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which all processes of this run keep what is fetched and unpacked once."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"


@pytest.fixture(scope="session")
def new_lightship(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lightship]:
    """Make homes with images and layers of their own, and archives that others fetched."""
    return lambda: sharing(tmp_path_factory.mktemp("home"), shared)


@pytest.fixture(scope="session")
def install_for() -> Iterator[Callable[[Path], Path]]:
    """Install this Lightship for other Pythons, where every user may enter; gives the environment."""
    folder = Path(tempfile.mkdtemp(prefix="environments-"))
    folder.chmod(0o755)
    pip = (sys.executable, "-m", "pip", "--quiet")

    @cache
    def wheel() -> Path:
        command = [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder / "wheel"), str(ROOT)]
        subprocess.run(command, check=True, umask=0o022)
        return next((folder / "wheel").glob("*.whl"))

    @cache
    def install(python: Path) -> Path:
        venv = Path(tempfile.mkdtemp(dir=folder))
        subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True, umask=0o022)
        venv.chmod(0o755)
        command = [*pip, "--python", f"{venv}/bin/python", "install", "--no-compile", str(wheel())]
        subprocess.run(command, check=True, umask=0o022)
        return venv

    yield install
    shutil.rmtree(folder)


@pytest.fixture
def docker(docker_host: str) -> Iterator[Run]:
    """Call Docker; images are gone after the test."""
    call = caller("/usr/bin/docker", "--host", docker_host)
    yield call
    if containers := call("container", "ls", "--all", "--quiet").split():
        call("container", "rm", "--force", *containers)
    if images := call("image", "ls", "--quiet").split():
        call("image", "rm", "--force", *sorted(set(images)))


@pytest.fixture
def containers() -> Iterator[dict[str, str]]:
    """Give all variables for Podman and Buildah, with storage of their own."""
    with private_containers() as environ:
        yield {**os.environ, **environ}


@pytest.fixture
def podman(containers: dict[str, str]) -> Run:
    return caller("podman", env=containers)


@pytest.fixture
def buildah(containers: dict[str, str]) -> Run:
    return caller("buildah", env=containers)


@pytest.fixture(scope="module")
def bases(docker_host: str) -> str:
    """`DOCKER_HOST` of a daemon that has the stand-ins for `python:3.11` and `python:3.11-slim`."""
    if missing := missing_tools(["mmdebstrap"]):
        pytest.skip(f"not on this machine: {missing}")
    if os.geteuid() != 0:
        pytest.skip("mmdebstrap makes the stand-ins as root only: run the tests as root")
    load(docker_host)
    return docker_host


@pytest.fixture(scope="module")
def build(bases: str) -> Iterator[DockerBuilds]:
    """Build Dockerfiles on the stand-ins; torch is its CPU build, where a folder of wheels has one."""
    with docker_builds(bases, constraints=cpu_torch()) as builds:
        yield builds
