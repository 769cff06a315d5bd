from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.errors import StageError
from lightship.fs.compress import GATHER, SMALL
from lightship.fs.entries import Entry, FileContent, Kind, directory, regular, symlink
from lightship.fs.tar import END, header, padding
from lightship.oci.blob import write_layer
from lightship.oci.layout import Layout
from lightship.oci.record import Compression
from lightship.oci.validate import validate
from lightship.wheels.archive import DeflatedMember, open_wheel
from tests.support.archives import layer, members, plain
from tests.support.images import add_image, add_layer
from tests.support.wheels import Packed, zip_bytes

EDGES = (0, 1, SMALL - 1, SMALL, SMALL + 1, GATHER - 1, GATHER, GATHER + 1, 3_000_000)
MEMBER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
ALL = pytest.mark.parametrize("compression", Compression)
PLAIN = pytest.mark.parametrize("compression", sorted({*Compression} - {Compression.ESTARGZ}, key=str))
"""What adds no files of its own."""


def content(size: int) -> bytes:
    return (b"%d bytes of some file, " % size * (size // 10 + 1))[:size]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[list[Entry]]:
    """Files of every size that matters, from memory, from the disk, stored and deflated in a zip file."""
    entries = [directory("files"), symlink("files/link", "0.memory")]
    packed = {}
    for size in EDGES:
        (tmp_path / str(size)).write_bytes(content(size))
        entries.append(regular(f"files/{size}.memory", content(size)))
        entries.append(Entry(f"files/{size}.disk", Kind.FILE, 0o644, FileContent(tmp_path / str(size), size)))
        packed[f"files/{size}.stored"] = Packed(content(size), stored=True)
        packed[f"files/{size}.deflated"] = Packed(content(size))
    (tmp_path / "archive").write_bytes(zip_bytes(packed))
    with (tmp_path / "archive").open("rb") as stream:
        found = open_wheel(stream, name="archive").members
        yield [*entries, *(Entry(path, Kind.FILE, 0o644, member) for path, member in found.items())]


def tar(entries: list[Entry]) -> bytes:
    parts = []
    for entry in entries:
        body = b"" if entry.content is None else b"".join(entry.content.chunks())
        parts += [header(entry), body, padding(len(body))]
    return b"".join([*parts, END])


@PLAIN
def test_a_layer_is_the_tar_of_its_entries(compression: Compression, tree: list[Entry]) -> None:
    blob, _ = layer(tree, compression)
    assert plain(blob, compression) == tar(tree)


@ALL
def test_what_is_said_of_a_layer_is_what_hashlib_says(compression: Compression, tree: list[Entry]) -> None:
    blob, record = layer(tree, compression)
    inflated = plain(blob, compression)
    assert record.descriptor.digest == f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert record.descriptor.size == len(blob)
    assert record.diff_id == f"sha256:{hashlib.sha256(inflated).hexdigest()}"
    assert record.unpacked == len(inflated)
    assert record.descriptor.media_type == compression.media_type


@ALL
def test_the_same_entries_are_the_same_bytes(compression: Compression, tree: list[Entry]) -> None:
    assert layer(tree, compression) == layer(tree, compression)


@PLAIN
def test_a_layer_without_entries_is_an_empty_tar(compression: Compression) -> None:
    blob, record = layer([], compression)
    assert plain(blob, compression) == END
    assert record.unpacked == len(END)


@ALL
def test_the_validator_accepts_an_image_of_it(
    compression: Compression, tree: list[Entry], tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "layout")
    layout.create()
    validate(add_image(layout, [add_layer(layout, tree, compression)]))


def test_streams_of_a_wheel_are_transplanted_from_a_size_on(tree: list[Entry]) -> None:
    blob, _ = layer(tree)
    for entry in tree:
        if isinstance(entry.content, DeflatedMember):
            raw = b"".join(entry.content.raw())
            assert (blob.count(MEMBER + raw) == 1) == (entry.size >= SMALL)


def test_every_transplanted_file_is_a_member_of_its_own(tree: list[Entry]) -> None:
    blob, _ = layer(tree)
    found = set(members(blob))
    assert all(content(size) in found for size in EDGES if size >= SMALL)


def test_single_member_gzip_has_one_member(tree: list[Entry]) -> None:
    blob, _ = layer(tree, Compression.GZIP_SINGLE)
    assert len(members(blob)) == 1


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"short")
    with pytest.raises(StageError, match="became shorter"):
        layer([Entry("file", Kind.FILE, 0o644, FileContent(tmp_path / "file", 6))])


def test_a_part_of_a_file_can_be_an_entry(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    part = FileContent(tmp_path / "file", 4, offset=3)
    assert layer([Entry("file", Kind.FILE, 0o644, part)]) == layer([regular("file", b"3456")])


def test_an_output_that_fails_is_not_hidden() -> None:
    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_layer([regular("file", b"data")], Full(), Compression.GZIP)
