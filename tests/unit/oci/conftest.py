from __future__ import annotations

from pathlib import Path

import pytest

from lightship.oci.layout import Layout, LayoutImage
from tests.support.images import hello_image


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    made.create()
    return made


@pytest.fixture
def image(layout: Layout) -> LayoutImage:
    return hello_image(layout, name="hello:latest")
