"""Ways from the example to an image in a registry: the direct engine, and others over Dockerfiles."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.harness import BENCH, copy_example, forget_layers, lightship
from scripts.standins import SLIM
from tests.support.docker_build import DockerBuilds
from tests.support.programs import Run

VARIANT = "cpu"
PASSED_ON = (
    *("--build-arg", f"PYTHON_IMAGE={SLIM.tag}", "--build-arg", f"BUILDER_IMAGE={SLIM.tag}"),
    *("--network", "host"),
)


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
class Article:
    """`docker build` of one of the article's files."""

    name: str
    project: Path
    file: Path
    docker: Run
    builds: DockerBuilds

    def forget(self) -> None:
        self.docker("builder", "prune", "--all", "--force")

    def build(self) -> None:
        self.builds(self.project, self.file, tag="bench-article")

    def push(self, registry: str) -> None:
        push(self.docker, "bench-article", registry)


@dataclass(frozen=True, slots=True)
class Engine:
    """`lightship build --engine`; `client` is the engine's own, `environ` says where it is."""

    name: str
    project: Path
    engine: str
    client: Run
    environ: Mapping[str, str]
    push_options: tuple[str, ...] = field(default=())

    def forget(self) -> None:
        """Keep cache mounts: they hold what was fetched."""
        if self.engine == "docker":
            for kind in ("regular", "source.local"):
                self.client("builder", "prune", "--all", "--force", "--filter", f"type={kind}")
        else:
            self.client("rmi", "--force", f"bench-{self.engine}")
            self.client("rmi", "--prune", "--force")

    def build(self) -> None:
        tag = ("--variant", VARIANT, "--tag", f"bench-{self.engine}", "--quiet")
        lightship(
            "build", self.project, *tag, "--engine", self.engine, "--", *PASSED_ON, environ=self.environ
        )

    def push(self, registry: str) -> None:
        push(self.client, f"bench-{self.engine}", registry, *self.push_options)


def push(client: Run, tag: str, registry: str, *options: str) -> None:
    name = f"{registry}/{tag}:cpu"
    client("tag", tag, name)
    client("push", "--quiet", *options, name)


def example(name: str, **settings: str) -> Path:
    """Copy the example for one way, with the lock and the record that it has elsewhere, and own settings."""
    folder = BENCH / name
    shutil.rmtree(folder, ignore_errors=True)
    project = copy_example(folder / "pharmabot", **settings)
    for made in ("pylock.cpu.toml", "start.cpu.json"):
        shutil.copy(BENCH / "project" / "pharmabot" / made, project / made)
    return project
