"""The `ar` envelope of a `.deb` (deb(5)), read strictly.

python-debian's reader takes a file that breaks off for a whole one, so it cannot be used here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lightship.errors import IntegrityError

_MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True, slots=True)
class ArMember:
    """One member: `size` bytes of the file from `offset` on."""

    name: str
    offset: int
    size: int


def read_ar(stream: BinaryIO, *, archive: str) -> tuple[ArMember, ...]:
    """List the members of an archive.

    Raises:
        IntegrityError: if it is damaged, or ends before its last member does.

    """
    end = stream.seek(0, 2)
    stream.seek(0)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise damaged("it is not a Debian package", archive)
    return tuple(_members(stream, end, archive))


def _members(stream: BinaryIO, end: int, archive: str) -> Iterator[ArMember]:
    offset = len(_MAGIC)
    while offset < end:
        stream.seek(offset)
        header = stream.read(_HEADER)
        digits = header[48:58].strip()
        if len(header) != _HEADER or header[58:] != b"`\n" or not digits.isdigit():
            raise damaged("a member has no valid header", archive)
        size = int(digits)
        if offset + _HEADER + size > end:
            raise damaged("it is truncated", archive)
        yield ArMember(header[:16].decode("latin-1").strip().removesuffix("/"), offset + _HEADER, size)
        offset += _HEADER + size + size % 2  # members begin at even offsets


def damaged(why: str, archive: str) -> IntegrityError:
    return IntegrityError(
        f"the package is damaged: {why}",
        where=archive,
        hint="remove it from the cache (`lightship cache prune`) and run the command again",
    )
