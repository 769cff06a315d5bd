from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from lightship.fs.entries import BytesContent, Entry, Kind, directory, regular, symlink
from lightship.fs.tar import BLOCK, END, EPOCH, header, padding
from lightship.fs.untar import read_tar

HARDLINK = Entry("a/hard", Kind.HARDLINK, 0o644, target="a/file")
LONG = "d" * 60 + "/" + "e" * 60 + "/file"
LONGER = "/".join(["f" * 90] * 4)
TREE = (
    directory("a"),
    regular("a/file", b"content"),
    regular("a/program", b"#!", 0o755),
    regular("a/empty", b""),
    Entry("a/setuid", Kind.FILE, 0o4711, BytesContent(b"x" * 600), uid=1001, gid=1002),
    symlink("a/link", "file"),
    symlink("a/absolute", "/usr/bin/python3.11"),
    HARDLINK,
    directory("tmp", 0o1777),
    regular(LONG, b"long"),
    regular(LONGER, b"longer"),
    directory("g" * 120),
    symlink("a/long-link", "t" * 180),
    regular("grüße/日本語.txt", b"names"),
    directory("grüße/ordner"),
    symlink("a/named", "grüße"),
    Entry("a/owned", Kind.FILE, 0o600, BytesContent(b"ids"), uid=3_000_000, gid=4_000_000),
)


def whole(entries: tuple[Entry, ...]) -> bytes:
    parts = []
    for entry in entries:
        body = b"" if entry.content is None else b"".join(entry.content.chunks())
        parts += [header(entry), body, padding(len(body))]
    return b"".join([*parts, END])


def stdlib(entry: Entry, form: Literal[0, 1, 2] = tarfile.USTAR_FORMAT) -> bytes:
    types = {
        Kind.FILE: tarfile.REGTYPE,
        Kind.DIRECTORY: tarfile.DIRTYPE,
        Kind.SYMLINK: tarfile.SYMTYPE,
        Kind.HARDLINK: tarfile.LNKTYPE,
    }
    info = tarfile.TarInfo(entry.path)
    info.type, info.mode, info.uid, info.gid = types[entry.kind], entry.mode, entry.uid, entry.gid
    info.size, info.mtime, info.linkname = entry.size, EPOCH, entry.target
    return info.tobuf(form, "utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "entry", [entry for entry in TREE[:9] if len(entry.path) < 100], ids=lambda entry: entry.path
)
def test_ordinary_headers_are_byte_for_byte_those_of_tarfile(entry: Entry) -> None:
    assert header(entry) == stdlib(entry)


def test_tarfile_reads_back_what_was_written() -> None:
    with tarfile.open(fileobj=io.BytesIO(whole(TREE))) as tar:
        members = tar.getmembers()
        for entry, member in zip(TREE, members, strict=True):
            assert (member.name, member.mode, member.mtime) == (entry.path, entry.mode, EPOCH)
            assert (member.uid, member.gid, member.uname, member.gname) == (entry.uid, entry.gid, "", "")
            assert member.linkname == entry.target
            assert member.isfile() == (entry.kind is Kind.FILE)
            assert member.isdir() == (entry.kind is Kind.DIRECTORY)
            if entry.content is not None:
                stream = tar.extractfile(member)
                assert stream is not None
                assert stream.read() == b"".join(entry.content.chunks())


def test_our_own_strict_reader_reads_back_what_was_written() -> None:
    members = list(read_tar([whole(TREE)], archive="test"))
    found = [(m.path, m.kind, m.mode, m.uid, m.gid, m.size, m.target) for m in members]
    assert found == [(e.path, e.kind, e.mode, e.uid, e.gid, e.size, e.target) for e in TREE]


def test_gnu_tar_lists_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "tree.tar"
    path.write_bytes(whole(TREE))
    listed = subprocess.run(
        ["/usr/bin/env", "LC_ALL=C.UTF-8", "TZ=UTC", "tar", "-tvf", path, "--quoting-style=literal"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert listed.stderr == ""
    rows = [line.split(maxsplit=5) for line in listed.stdout.splitlines()]
    assert all(row[3:5] == ["1980-01-01", "00:00"] for row in rows)
    shown = {row[5]: (row[0], row[1], int(row[2])) for row in rows}
    assert shown["a/"] == ("drwxr-xr-x", "0/0", 0)
    assert shown["tmp/"] == ("drwxrwxrwt", "0/0", 0)
    assert shown["a/setuid"] == ("-rws--x--x", "1001/1002", 600)
    assert shown["a/link -> file"] == ("lrwxrwxrwx", "0/0", 0)
    assert shown["a/hard link to a/file"] == ("hrw-r--r--", "0/0", 0)
    assert shown[LONG] == ("-rw-r--r--", "0/0", 4)
    assert shown[LONGER] == ("-rw-r--r--", "0/0", 6)
    assert shown["a/long-link -> " + "t" * 180] == ("lrwxrwxrwx", "0/0", 0)
    assert shown["grüße/日本語.txt"] == ("-rw-r--r--", "0/0", 5)
    assert shown["a/owned"] == ("-rw-------", "3000000/4000000", 3)
    assert len(shown) == len(TREE)


@pytest.mark.parametrize(
    ("entry", "blocks"),
    [
        (regular("x" * 100, b""), 1),
        (regular("x" * 101, b""), 3),
        (regular("p" * 155 + "/" + "n" * 100, b""), 1),
        (regular("p" * 156 + "/" + "n" * 100, b""), 3),
        (regular("p" * 155 + "/" + "n" * 101, b""), 3),
        (directory("d" * 99), 1),
        (directory("d" * 100), 3),
        (directory("p" * 155 + "/" + "n" * 99), 1),
        (symlink("l", "t" * 100), 1),
        (symlink("l", "t" * 101), 3),
        (symlink("l", "ü"), 3),
        (regular("ü", b""), 3),
        (Entry("big-uid", Kind.FILE, 0o644, uid=0o7777777), 1),
        (Entry("bigger-uid", Kind.FILE, 0o644, uid=0o7777777 + 1), 3),
        (Entry("bigger-gid", Kind.FILE, 0o644, gid=0o7777777 + 1), 3),
    ],
    ids=lambda value: value.path[:20] if isinstance(value, Entry) else str(value),
)
def test_pax_is_used_only_where_ustar_is_too_small(entry: Entry, blocks: int) -> None:
    assert len(header(entry)) == blocks * BLOCK
    (member,) = read_tar([header(entry), END], archive="test")
    assert (member.path, member.target) == (entry.path, entry.target)
    assert (member.uid, member.gid) == (entry.uid, entry.gid)


@dataclass(frozen=True)
class Huge:
    size: int

    def chunks(self) -> Iterator[bytes]:
        raise AssertionError


def test_files_above_8_gib_keep_their_size() -> None:
    assert len(header(Entry("huge", Kind.FILE, 0o644, Huge(0o77777777777)))) == BLOCK
    head = header(Entry("huge", Kind.FILE, 0o644, Huge(9 << 30)))
    with tarfile.open(fileobj=io.BytesIO(head), mode="r|") as tar:
        member = tar.next()
    assert member is not None
    assert member.size == 9 << 30


@pytest.mark.parametrize(
    "entry",
    [
        regular("grüße/日本語.txt", b"names"),
        directory("grüße"),
        regular("x" * 101, b""),
        directory("d" * 250),
        symlink("l", "t" * 90 + "/" + "t" * 90),
        symlink("ü", "ü"),
        Entry("ids", Kind.FILE, 0o644, uid=3_000_000, gid=4_000_000),
        Entry("huge", Kind.FILE, 0o644, Huge(9 << 30)),
    ],
    ids=lambda entry: entry.path[:10],
)
def test_pax_headers_are_byte_for_byte_those_of_tarfile(entry: Entry) -> None:
    assert header(entry) == stdlib(entry, tarfile.PAX_FORMAT)


@pytest.mark.parametrize("length", [*range(43, 50), *range(493, 500)])
def test_pax_records_count_the_digits_of_their_own_length(length: int) -> None:
    entry = regular("ü" * length, b"")
    assert header(entry) == stdlib(entry, tarfile.PAX_FORMAT)


@pytest.mark.parametrize(("size", "zeros"), [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)])
def test_content_is_padded_to_whole_blocks(size: int, zeros: int) -> None:
    assert padding(size) == bytes(zeros)
