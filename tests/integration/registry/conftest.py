"""Real registries, an image for them, and Lightship as a person calls it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.build.home import Home
from lightship.fs.entries import directory, regular
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Execution
from tests.support.docker_registry import DockerRegistry, docker_registry, make_certificate
from tests.support.images import add_image, add_layer, hello_program
from tests.support.tools import missing_tools

NAME = "hello:1.0"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Lightship:
    """The command line with a home of its own, and nothing of the user's configuration but `environ`."""

    root: Path
    environ: dict[str, str]

    @property
    def store(self) -> Layout:
        return Home(self.root / "data", self.root / "cache").images

    def __call__(self, *arguments: str, stdin: str = "") -> Said:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environ = {**kept, "LIGHTSHIP_HOME": str(self.root), "HOME": str(self.root), **self.environ}
        done = subprocess.run(
            [sys.executable, "-m", "lightship", *arguments],
            env=environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)


MakeLightship = Callable[..., Lightship]


@pytest.fixture
def lightship(tmp_path: Path) -> MakeLightship:
    """Give the command line a store: an empty one, unless the module's is asked for."""

    def make(name: str = "home", **environ: str) -> Lightship:
        return Lightship(tmp_path / name, environ)

    return make


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    _skip_without("docker-registry")
    with docker_registry(tmp_path_factory.mktemp("open") / "registry") as registry:
        yield registry


@pytest.fixture(scope="module")
def guarded_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """Give one with TLS by a test CA (in `ca.crt` beside its folder), and a password."""
    _skip_without("docker-registry", "openssl")
    folder = tmp_path_factory.mktemp("guarded")
    certificate = make_certificate(folder / "tls")
    with docker_registry(folder / "registry", certificate) as registry:
        yield registry


@pytest.fixture
def image(lightship: MakeLightship) -> LayoutImage:
    """Make an image that runs, in the store of the command line's home; one layer is sent in a session."""
    store = lightship().store
    store.create()
    noise = random.Random(0).randbytes(3 << 20)  # noqa: S311 - no secret
    layers = [
        add_layer(store, [directory("bin"), regular("bin/hello", hello_program(), 0o755)]),
        add_layer(store, [directory("data"), regular("data/noise", noise)]),
    ]
    return add_image(store, layers, Execution(user="1001:1001", entrypoint=("/bin/hello",)), NAME)


def _skip_without(*names: str) -> None:
    if missing := missing_tools(names):
        pytest.skip(f"not on this machine: {missing}")
