from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import Entry
from lightship.inspect.contents import Contents, open_contents
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Execution
from tests.support.images import add_image, add_layer

MakeImage = Callable[..., LayoutImage]
MakeContents = Callable[..., Contents]


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    layout = Layout(tmp_path / "layout")
    layout.create()

    def make(*layers: Iterable[Entry], execution: Execution | None = None) -> LayoutImage:
        return add_image(layout, [add_layer(layout, layer) for layer in layers], execution)

    return make


@pytest.fixture
def make_contents(make_image: MakeImage, tmp_path: Path) -> MakeContents:
    cache = tmp_path / "cache"

    def make(*layers: Iterable[Entry], execution: Execution | None = None) -> Contents:
        image = make_image(*layers, execution=execution)
        return open_contents(image, cache=cache, reporter=SilentReporter())

    return make
