from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.docker_build import DockerBuilds
from tests.support.programs import Run, caller

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
IDLE = ("naive", "site-packages")
Built = Callable[..., str]
OURS = ("standin-test", "article-test")


@pytest.fixture(scope="module")
def client(bases: str) -> Iterator[Run]:
    """Docker's client, where the stand-ins are; what the module's tests built goes at its end."""
    call = caller("/usr/bin/docker", "--host", bases)
    yield call
    built = [call("image", "ls", "--quiet", name).split() for name in OURS]
    if images := sorted({image for found in built for image in found}):
        call("image", "rm", "--force", *images)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example service as the build context, with no local embeddings in its `cpu` variant either."""
    folder = tmp_path_factory.mktemp("article") / "pharmabot"
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "pylock.*")
    shutil.copytree(EXAMPLES / "pharmabot", folder, ignore=ignored)
    shutil.copy(folder / "requirements-torch-none.txt", folder / "requirements-torch-cpu.txt")
    return folder


@pytest.fixture(scope="module")
def idle(project: Path) -> Path:
    """Make the same build context with one requirement, for images that are looked at and not started."""
    folder = project.with_name("idle")
    shutil.copytree(project, folder)
    (folder / "requirements-base.txt").write_text("gunicorn==22.0.0\n")
    (folder / "requirements-torch-cpu.txt").write_text("")
    return folder


@pytest.fixture(scope="module")
def built(build: DockerBuilds, project: Path, idle: Path) -> Built:
    """Build one of the files, and return its tag; a second time it comes from Docker's cache."""

    def make(name: str, target: str = "", **build_args: str) -> str:
        tag = "-".join(filter(None, (f"article-test:{name}", target)))
        file = EXAMPLES / "article" / f"Dockerfile.{name}"
        folder = idle if name in IDLE else project
        build(folder, file, tag=tag, target=target, build_args=build_args)
        return tag

    return make
