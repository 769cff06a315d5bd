"""Whatever a document beside an image says, `verify` refuses it or checks it: nothing else comes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from lightship.build.layerstore import StoredLayer
from lightship.errors import IntegrityError
from lightship.events import SilentReporter
from lightship.fs.entries import regular
from lightship.inspect.answers import FactFiles, ToldFiles
from lightship.inspect.attached import make_scan, read_scan
from lightship.inspect.contents import stack_contents
from lightship.inspect.rules import STATIC_CHECKS
from lightship.oci.layout import Layout, LayoutImage
from tests.support.elves import elf
from tests.support.images import add_image, add_layer
from tests.support.installed import dist
from tests.unit.inspect.gallery.making import GOOD

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.integers(-3, 12),
    st.text(max_size=12),
    st.binary(max_size=12),
    st.sampled_from(
        ["..", "/", "a/../b", ".wh.", ".wh..wh..opq", "file", "symlink", "hardlink", "directory"]
    ),
    st.sampled_from([[], {}, "Requires-Dist: a; os_name ~= 'x'", b"Name: a\nRequires-Dist: a>=x; b\n"]),
    st.sampled_from(
        [b'"' + b"x" * 200_000, b"Name: a\nVersion: ?\n\n", b"a\0,,\n", b"Requires-Dist: a==1\n"]
    ),
)


@cache
def made() -> tuple[LayoutImage, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder, "layout"))
        layout.create()
        big = bytes(2_000_000)
        lower = [
            regular("etc/passwd", b"app:x:1001:1001::/:/\n"),
            regular("x/big", big),
            regular("bin/sh", elf(), 0o755),
        ]
        site = "usr/lib/python3.11/site-packages"
        compiled = regular(f"{site}/__pycache__/a.cpython-311.pyc", b"\xa7\r\r\n\1\0\0\0" + bytes(20))
        files = {"a.py": b"pass\n", "../../../bin/a": b"#!"}
        upper = [*dist("a", files, requires=["b>=1; python_version > '3'"], site=site), compiled]
        hiding = [regular("x/big", big, 0o600), regular(f"{site}/a.py", b"1\n"), regular("bin/.wh.sh", b"")]
        image = add_image(layout, [add_layer(layout, layer) for layer in (lower, upper, hiding)], GOOD)
        data = make_scan(image, cache=Path(folder, "cache"), reporter=SilentReporter())
        _ = image.config, image.layers  # read while the folder is there
        return image, zstandard.ZstdDecompressor().decompress(data)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document that something else could be put in."""
    if isinstance(value, dict | list):
        for key, child in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from places(child)


def no_layer(layer: StoredLayer) -> None:
    raise AssertionError(layer)


NOBODY = FactFiles({}, no_layer)
"""Who would answer where a layer is."""


def check(data: bytes, image: LayoutImage) -> None:
    try:
        attached = read_scan(data, image)
        files = ToldFiles(frozenset(), attached.answers, NOBODY)
        contents = stack_contents(image.config, attached.layers, attached.scans, files)
        for each in STATIC_CHECKS:
            list(each(contents))
    except IntegrityError:
        return


def test_the_document_as_it_is_is_read() -> None:
    image, plain = made()
    found = read_scan(zstandard.compress(plain), image)
    assert [layer.diff_id for layer in found.layers] == list(image.config.rootfs.diff_ids)
    assert found.answers.pairs
    assert found.answers.texts
    check(zstandard.compress(plain), image)


@settings(deadline=None)
@given(st.data())
def test_a_changed_document_is_refused_or_checked(data: st.DataObject) -> None:
    image, plain = made()
    document = msgspec.msgpack.decode(plain, strict=False)
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(document["body"])) or [(document, "body")]
        holder, key = found[data.draw(st.integers(0, len(found) - 1))]
        holder[key] = data.draw(VALUES)
    check(zstandard.compress(msgspec.msgpack.encode(document)), image)


@settings(deadline=None)
@given(st.binary(), st.integers(0, 3000), st.booleans())
def test_damaged_bytes_are_refused_or_checked(data: bytes, place: int, packed: bool) -> None:  # noqa: FBT001
    image, plain = made()
    whole = plain if packed else zstandard.compress(plain)
    damaged = whole[:place] + data + whole[place + len(data) :]
    check(zstandard.compress(damaged) if packed else damaged, image)


FIELDS = st.sampled_from(["Name", "Version", "Requires-Dist", ""])
WORDS = st.sampled_from(
    ["a", "b", "1.0", "?", "a==1", "a~=1", "a; b", "a; os_name ~= 'x'", "a; x == y", "é\0", ""]
)
METADATA = st.lists(st.tuples(FIELDS, WORDS)).map(
    lambda rows: "".join(f"{key}: {word}\n" for key, word in rows)
)
RECORDS = st.sampled_from(
    ['"' + "x" * 200_000, "a\0,,\n", 'a,sha256=é,\n"\n', "/etc,sha256=x\n", "../../../..,,\n"]
)


@settings(deadline=None)
@given(st.data())
def test_any_text_is_checked(data: st.DataObject) -> None:
    image, plain = made()
    document = msgspec.msgpack.decode(plain, strict=False)
    for layer in document["body"]["layers"]:
        for number in layer["texts"]:
            text = data.draw(st.one_of(METADATA, RECORDS))
            layer["texts"][number] = text.encode()
    check(zstandard.compress(msgspec.msgpack.encode(document)), image)
