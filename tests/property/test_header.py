"""A header's short cut reads what `tarfile` reads, and refuses what it refuses."""

from __future__ import annotations

import tarfile
from typing import Literal

from hypothesis import example, given
from hypothesis import strategies as st

from lightship.fs.header import Header, parse_header

KINDS = st.sampled_from([b"0", b"\0", b"1", b"2", b"3", b"5", b"7", b"x", b"g", b"L", b"K", b"S", b"9"])
NAMES = st.text("ab/ä.", max_size=60)
FORMS: st.SearchStrategy[Literal[0, 1]] = st.sampled_from([0, 1])
"""USTAR's and GNU's."""


def by_tarfile(block: bytes) -> Header | None:
    try:
        found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return None
    numbers = (found.mode, found.uid, found.gid, found.size, int(found.mtime))
    return Header(found.name, found.type, found.linkname, *numbers)


def by_us(block: bytes) -> Header | None:
    try:
        return parse_header(block)
    except (tarfile.HeaderError, ValueError):
        return None


@given(NAMES, NAMES, KINDS, FORMS, st.integers(-1, 1 << 40), st.sampled_from([0, 1 << 30]))
@example("a/" * 90 + "b", "", b"0", 0, 0, 0)
def test_what_tarfile_writes(
    name: str, link: str, kind: bytes, form: Literal[0, 1], number: int, uid: int
) -> None:
    item = tarfile.TarInfo(name)
    item.linkname, item.type, item.size = link, kind, abs(number)
    item.mode, item.mtime, item.uid = 0o644, number, uid
    try:
        block = item.tobuf(form, "utf-8", "surrogateescape")[-512:]
    except ValueError:
        return
    assert by_us(block) == by_tarfile(block)


@given(st.integers(0, 511), st.binary(min_size=1, max_size=16), st.sampled_from(["as it is", "mended"]))
def test_damage(at: int, patch: bytes, checksum: str) -> None:
    item = tarfile.TarInfo("a/b")
    item.mode, item.uid, item.size = 0o755, 1001, 77
    block = bytearray(item.tobuf(0))
    block[at : at + len(patch)] = patch[: 512 - at]
    if checksum == "mended":
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    assert by_us(bytes(block)) == by_tarfile(bytes(block))
