"""An eStargz image of a real service, in a layout and in a registry, and who mounts it from there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.oci.layout import Layout, LayoutImage
from scripts.snapshotter import snapshotter
from tests.integration.build.calling import Lightship
from tests.integration.start.test_start import APPLICATION, CHECK, CONFIGURATION, REQUIREMENTS
from tests.support.containerd import private_containerd
from tests.support.docker_registry import DockerRegistry, docker_registry
from tests.support.programs import Run
from tests.support.tools import missing_tools

NAME = "opener:none"


@dataclass(frozen=True, slots=True)
class Pushed:
    """The image, its reference in a registry, and the registry."""

    layout: Layout
    reference: str
    registry: DockerRegistry

    @property
    def image(self) -> LayoutImage:
        return self.layout.image(self.layout.names()[NAME])


def needs(*tools: str) -> None:
    if missing := missing_tools(tools):
        pytest.skip(f"not on this machine: {missing}")


@pytest.fixture(scope="session")
def pushed(
    new_lightship: Callable[[], Lightship], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pushed]:
    """Build once: without a record, so that what the start opens is recorded on the way."""
    needs("docker-registry")
    folder = tmp_path_factory.mktemp("opener")
    files = {
        "requirements.txt": REQUIREMENTS,
        "app.py": APPLICATION,
        "check.py": CHECK,
        "lightship.toml": CONFIGURATION.format(more=""),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    path = folder / "layout"
    with docker_registry(folder / "registry") as registry:
        reference = f"{registry.host}/opener:none"
        options = ("--format", "estargz", "-o", f"oci:{path}", "--push", reference)
        new_lightship().build(folder, *options)
        yield Pushed(Layout(path), reference, registry)


@pytest.fixture(scope="session")
def daemon() -> Path:
    """stargz-snapshotter's daemon."""
    needs("containerd", "ctr-remote", "dpkg-deb", "runc")
    if os.geteuid() != 0:
        pytest.skip("containerd needs root")
    if not Path("/dev/fuse").exists():
        pytest.skip("not on this machine: /dev/fuse")
    return snapshotter()


@pytest.fixture(scope="module")
def ctr(daemon: Path, pushed: Pushed) -> Iterator[Run]:
    """`ctr-remote`, beside a containerd and a snapshotter that fetches only what is read."""
    host = pushed.registry.host
    with private_containerd(daemon, "-plain-http", host, "-no-background-fetch") as run:
        yield run
