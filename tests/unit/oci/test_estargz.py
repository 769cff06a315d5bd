from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.errors import UsageError
from lightship.fs.entries import Entry, FileContent, Kind, directory, regular, symlink
from lightship.fs.tar import END, header, padding
from lightship.oci.estargz import footer
from lightship.oci.record import Compression
from lightship.wheels.archive import open_wheel
from tests.support.archives import GZIP_READERS, layer, members
from tests.support.estargz import CHUNK, NO_PREFETCH, PREFETCH, TOC, check
from tests.support.wheels import Packed, zip_bytes

TREE = [
    directory("app", 0o750),
    regular("app/one", b"1", 0o755).owned_by(1001, 1002),
    regular("app/empty", b""),
    symlink("app/link", "one"),
    Entry("app/same", Kind.HARDLINK, 0o755, target="app/one"),
    regular("app/two", b"22"),
]
BIG = random.Random(1).randbytes(1000) * (2 * CHUNK // 1000 + 1)  # noqa: S311 - it must be the same each time


def estargz(*entries: Entry, first: tuple[str, ...] = ()) -> bytes:
    blob, _ = layer(entries, Compression.ESTARGZ, first)
    return blob


def names(blob: bytes) -> list[str]:
    return [str(entry["name"]) for entry in check(blob).entries]


def test_the_footer_is_51_bytes_with_the_offset_of_the_table() -> None:
    extra = b"SG\x16\0" + b"0000000000001234STARGZ"
    empty = b"\x01\0\0\xff\xff" + bytes(8)
    assert footer(0x1234) == b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0" + extra + empty
    assert len(footer(0x1234)) == 51


def test_the_table_of_a_tiny_layer_says_all_of_it() -> None:
    blob = estargz(*TREE)
    lazy = check(blob)
    landmark, folder, one, empty, link, same, two = lazy.entries
    assert (landmark["name"], landmark["size"], landmark["mode"]) == (NO_PREFETCH, 1, 0o644)
    since = {"modtime": "1980-01-01T00:00:00Z"}
    root = {"uid": 0, "gid": 0, **since}
    assert folder == {"name": "app/", "type": "dir", "mode": 0o750, **root}
    assert one == {
        "name": "app/one",
        "type": "reg",
        "mode": 0o755,
        "uid": 1001,
        "gid": 1002,
        **since,
        "size": 1,
        "digest": of_bytes(b"1"),
        "offset": one["offset"],
        "chunkDigest": of_bytes(b"1"),
    }
    assert empty == {"name": "app/empty", "type": "reg", "mode": 0o644, **root}
    assert link == {"name": "app/link", "type": "symlink", "mode": 0o777, **root, "linkName": "one"}
    assert same == {"name": "app/same", "type": "hardlink", "mode": 0o755, **root, "linkName": "app/one"}
    assert two["chunkDigest"] == of_bytes(b"22")
    assert blob.endswith(footer(lazy.offset))


def test_its_members_are_headers_contents_the_table_and_the_footer() -> None:
    blob = estargz(*TREE)
    toc = check(blob).toc
    mark = regular(NO_PREFETCH, b"\x0f")
    assert members(blob) == [
        header(mark),
        b"\x0f",
        padding(1) + header(TREE[0]) + header(TREE[1]),
        b"1",
        padding(1) + b"".join(header(entry) for entry in TREE[2:]),
        b"22",
        padding(2),
        header(regular(TOC, toc)) + toc + padding(len(toc)) + END,
        b"",
    ]


def test_the_descriptor_vouches_for_the_table() -> None:
    blob, record = layer(TREE, Compression.ESTARGZ)
    assert record.descriptor.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert record.descriptor.annotations == {
        "containerd.io/snapshot/stargz/toc.digest": of_bytes(check(blob).toc),
        "io.containers.estargz.uncompressed-size": str(len(gzip.decompress(blob))),
    }


@pytest.mark.parametrize("reader", GZIP_READERS)
def test_it_is_ordinary_gzip_for_everyone_else(reader: str) -> None:
    blob, record = layer(TREE, Compression.ESTARGZ)
    assert of_bytes(GZIP_READERS[reader](blob)) == record.diff_id


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_big_files_are_cut_into_chunks(size: int) -> None:
    lazy = check(estargz(regular("big", BIG[:size]), regular("next", b"x")))
    chunks = [entry for entry in lazy.entries if entry["name"] == "big"]
    assert [entry["type"] for entry in chunks] == ["reg", "chunk", "chunk"][: -(-size // CHUNK)]
    assert [entry.get("chunkOffset", 0) for entry in chunks] == list(range(0, size, CHUNK))
    assert [entry.get("chunkSize", 0) for entry in chunks] == [CHUNK] * (len(chunks) - 1) + [0]


def test_how_a_content_comes_in_pieces_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(BIG)
    from_disk = Entry("big", Kind.FILE, 0o644, FileContent(tmp_path / "big", len(BIG)))
    assert estargz(from_disk) == estargz(regular("big", BIG))


def test_streams_of_a_wheel_are_kept_unless_they_must_be_cut(tmp_path: Path) -> None:
    contents = {"small": b"content " * 9, "whole": BIG[:CHUNK], "cut": BIG[: CHUNK + 1]}
    packed = {name: Packed(data) for name, data in contents.items()}
    (tmp_path / "archive").write_bytes(zip_bytes(packed))
    with (tmp_path / "archive").open("rb") as stream:
        found = open_wheel(stream, name="archive").members
        blob = estargz(*(Entry(name, Kind.FILE, 0o644, member) for name, member in found.items()))
        kept = {name for name, member in found.items() if b"".join(member.raw()) in blob}
    assert kept == {"small", "whole"}
    lazy = check(blob)
    assert {name: lazy.file(name) for name in contents} == contents


def test_start_up_files_and_their_folders_come_before_the_landmark() -> None:
    blob = estargz(
        directory("a"), regular("a/1", b"1"), directory("b"), directory("b/c"), regular("b/c/2", b"2"),
        regular("b/3", b"3"), first=("b/c/2", "not there"),
    )  # fmt: skip
    assert names(blob) == ["b/", "b/c/", "b/c/2", PREFETCH, "a/", "a/1", "b/3"]


def test_what_a_start_up_hard_link_shares_comes_first_too() -> None:
    blob = estargz(*TREE, first=("app/same",))
    assert names(blob)[:4] == ["app/", "app/one", "app/same", PREFETCH]


def test_without_start_up_files_in_it_a_layer_says_so() -> None:
    assert estargz(*TREE, first=("elsewhere", "app")) == estargz(*TREE)


def test_the_same_layer_is_the_same_bytes_however_it_is_told_what_is_first() -> None:
    assert estargz(*TREE, first=("app/two", "app/one")) == estargz(*TREE, first=("app/one", "app/two"))


@pytest.mark.parametrize("path", [TOC, PREFETCH, NO_PREFETCH])
def test_names_of_the_format_are_refused(path: str) -> None:
    with pytest.raises(UsageError, match="keeps a file of its own") as refused:
        estargz(regular(path, b"mine"))
    assert refused.value.where == f"/{path}"
    assert names(estargz(directory("app"), regular(f"app/{path}", b"mine")))[-1] == f"app/{path}"
