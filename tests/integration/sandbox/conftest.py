from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.build.rootfs import prepare_root
from lightship.build.sandbox import RunRequest, Sandbox
from lightship.events import SilentReporter
from lightship.oci.layout import Layout
from lightship.oci.model import Execution
from tests.support.images import add_image, add_layer
from tests.support.python_image import python_layer

EXECUTION = Execution(
    user="app",
    env=("PATH=/usr/local/bin", "FROM=image"),
    cmd=("python", "-c", "print('hello')"),
    working_dir="/tmp",
)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python")
    layout = Layout(folder / "layout")
    layout.create()
    image = add_image(layout, [add_layer(layout, python_layer())], EXECUTION)
    return prepare_root(image, cache=folder / "cache", reporter=SilentReporter())


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return Sandbox.find(os.environ["PATH"])


@pytest.fixture
def request_of(root: Path) -> Callable[..., RunRequest]:
    def make(*argv: str, **fields: object) -> RunRequest:
        return RunRequest(root, EXECUTION, argv=argv, **fields)  # type: ignore[arg-type]

    return make
