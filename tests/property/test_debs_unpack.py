"""Packages from anywhere: whole ones come back as they were, and damaged ones are refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightship.debs.unpack import data_entries
from lightship.errors import IntegrityError
from tests.unit.debs.forge import COMPRESSIONS, item, make_ar, make_deb

names = st.text(st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
paths = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4).map("/".join)
trees = st.dictionaries(paths, st.binary(max_size=2000), max_size=3)
compressions = st.sampled_from(sorted(COMPRESSIONS))


def unpack(data: bytes) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "demo.deb")
        path.write_bytes(data)
        entries = list(data_entries(path, package="demo"))
    return {entry.path: b"".join(entry.content.chunks()) for entry in entries if entry.content}


@given(trees, compressions)
def test_every_tree_comes_back(tree: dict[str, bytes], compression: str) -> None:
    items = [item(f"./{path}", data) for path, data in tree.items()]
    assert unpack(make_deb(items, compression=compression)) == tree


@given(trees, compressions, st.data())
def test_a_package_cut_short_is_refused(
    tree: dict[str, bytes], compression: str, data: st.DataObject
) -> None:
    items = [item(f"./{path}", content) for path, content in tree.items()]
    whole = make_deb(items, compression=compression)
    size = data.draw(st.integers(0, len(whole) - 2))
    with pytest.raises(IntegrityError):
        unpack(whole[:size])


@given(st.binary(max_size=300))
def test_any_other_file_is_refused(data: bytes) -> None:
    for whole in (data, make_ar([("debian-binary", b"2.0\n"), ("data.tar", data.ljust(512, b"x"))])):
        with pytest.raises(IntegrityError):
            unpack(whole)
