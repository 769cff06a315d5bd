"""Ways from the example to an image in a registry: the direct engine, and others over Dockerfiles."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.harness import BENCH, copy_example, forget_layers, lightship
from scripts.standins import SLIM
from tests.support.docker_build import DockerBuilds
from tests.support.programs import Run

VARIANT = "cpu"


class Way(Protocol):
    """One way, with a copy of the example of its own."""

    @property
    def name(self) -> str: ...
    @property
    def project(self) -> Path: ...

    def forget(self) -> None:
        """Back to nothing built; what was fetched stays, as far as the way keeps it."""

    def build(self) -> None:
        """From the sources as they are now to an image, with all the steps that a change of them asks for."""

    def push(self, registry: str) -> None:
        """Send the image to a registry, `HOST:PORT`."""


@dataclass(frozen=True, slots=True)
class Direct:
    """`lightship build`, and `lightship push`."""

    name: str
    project: Path

    def forget(self) -> None:
        forget_layers()

    def build(self) -> None:
        lightship("build", self.project, "--variant", VARIANT, "--tag", "bench:direct", "--quiet")

    def push(self, registry: str) -> None:
        lightship("push", "bench:direct", f"{registry}/direct:cpu", "--quiet")


@dataclass(frozen=True, slots=True)
class Docker:
    """`docker build` of a Dockerfile; of the emitted one, if none is named."""

    name: str
    project: Path
    docker: Run
    builds: DockerBuilds
    file: Path | None = None

    @property
    def tag(self) -> str:
        return f"bench-{self.project.parent.name}"

    def forget(self) -> None:
        """Keep cache mounts: they hold fetched packages."""
        for kind in ("regular", "source.local"):
            self.docker("builder", "prune", "--all", "--force", "--filter", f"type={kind}")

    def build(self) -> None:
        emitted = {"PYTHON_IMAGE": SLIM.tag, "BUILDER_IMAGE": SLIM.tag} if self.file is None else {}
        self.builds(self.project, self.file or emit(self.project), tag=self.tag, build_args=emitted)

    def push(self, registry: str) -> None:
        name = f"{registry}/{self.tag}:cpu"
        self.docker("tag", self.tag, name)
        self.docker("push", "--quiet", name)


def emit(project: Path) -> Path:
    """Write the project's Dockerfile, as `lightship dockerfile` does after a change."""
    lightship("dockerfile", project, "--variant", VARIANT, "--portable", "--quiet")
    return project / "Dockerfile"


def example(name: str) -> Path:
    """Copy the example for one way: locked and recorded where it is Lightship's."""
    folder = BENCH / name
    shutil.rmtree(folder, ignore_errors=True)
    project = copy_example(folder / "pharmabot")
    for made in ("pylock.cpu.toml", "start.cpu.json"):
        if (there := BENCH / "project" / "pharmabot" / made).is_file():
            shutil.copy(there, project / made)
    return project
