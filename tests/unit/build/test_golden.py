"""The same inputs give the same bytes as they always did: see tests/golden/regenerate.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems
from tests.golden.regenerate import LAYOUT, build


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_the_golden_image_is_built_byte_for_byte(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        layout = build(tmp_path)
    finally:
        os.umask(before)
    assert layout_problems(Layout(layout)) == []
    made, golden = contents(layout), contents(LAYOUT)
    assert sorted(made) == sorted(golden)
    assert made == golden


def test_the_golden_layout_itself_is_valid() -> None:
    assert layout_problems(Layout(LAYOUT)) == []
