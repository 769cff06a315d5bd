"""Whatever a tree holds, readers of tar find it again."""

from __future__ import annotations

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from lightship.fs.entries import BytesContent, Entry, Kind
from lightship.fs.tar import BLOCK, END, header, padding
from lightship.fs.untar import read_tar

CHARACTERS = st.characters(codec="utf-8", exclude_characters="/\0")
NAMES = st.text(CHARACTERS, min_size=1, max_size=130).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
MODES = st.integers(0, 0o7777)
IDS = st.integers(0, 1 << 31)
FILES = st.builds(
    lambda path, mode, data, uid, gid: Entry(path, Kind.FILE, mode, BytesContent(data), uid=uid, gid=gid),
    PATHS, MODES, st.binary(max_size=2 * BLOCK), IDS, IDS,
)  # fmt: skip
DIRECTORIES = st.builds(lambda path, mode: Entry(path, Kind.DIRECTORY, mode), PATHS, MODES)
SYMLINKS = st.builds(lambda path, text: Entry(path, Kind.SYMLINK, 0o777, target="/" + text), PATHS, PATHS)
HARDLINKS = st.builds(lambda path, text: Entry(path, Kind.HARDLINK, 0o644, target=text), PATHS, PATHS)
TREES = st.lists(FILES | DIRECTORIES | SYMLINKS | HARDLINKS, max_size=6)


def body(entry: Entry) -> bytes:
    return b"" if entry.content is None else b"".join(entry.content.chunks())


def whole(entries: list[Entry]) -> bytes:
    parts = [header(entry) + body(entry) + padding(entry.size) for entry in entries]
    return b"".join([*parts, END])


@given(TREES)
def test_our_reader_finds_every_entry_again(entries: list[Entry]) -> None:
    found = [
        (m.path, m.kind, m.mode, m.uid, m.gid, m.target, b"".join(m.chunks()))
        for m in read_tar([whole(entries)], archive="test")
    ]
    assert found == [(e.path, e.kind, e.mode, e.uid, e.gid, e.target, body(e)) for e in entries]


@given(TREES)
def test_tarfile_finds_every_entry_again(entries: list[Entry]) -> None:
    types = {tarfile.REGTYPE: Kind.FILE, tarfile.DIRTYPE: Kind.DIRECTORY,
             tarfile.SYMTYPE: Kind.SYMLINK, tarfile.LNKTYPE: Kind.HARDLINK}  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(whole(entries)), mode="r|", encoding="utf-8") as tar:
        found = [
            (m.name, types[m.type], m.mode, m.uid, m.gid, m.linkname, m.size if m.isfile() else 0)
            for m in tar
        ]
    assert found == [(e.path, e.kind, e.mode, e.uid, e.gid, e.target, e.size) for e in entries]


@given(TREES)
def test_a_tar_is_whole_blocks(entries: list[Entry]) -> None:
    assert len(whole(entries)) % BLOCK == 0
