"""One header block of a tar, parsed (POSIX.1-2017, `pax`, "ustar Interchange Format").

`tarfile` knows every form that was ever written, and takes as long for one block as it takes to inflate and
hash 15 kB. So the plain form, which nearly all blocks have, is read here, and every other block by `tarfile`.
"""

from __future__ import annotations

import struct
import tarfile
from typing import NamedTuple

_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s72s16s155s12x")
"""Name, mode, uid, gid, size, mtime, checksum, type, link, magic and names, device, prefix."""
_PLAIN = frozenset(
    (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE)
)


class Header(NamedTuple):
    """What a block says; names that are no UTF-8 have surrogates."""

    name: str
    type: bytes
    linkname: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int


def parse_header(block: bytes) -> Header:
    """Parse a block of 512 bytes.

    Raises:
        tarfile.HeaderError: it is none.
        ValueError: likewise.

    """
    return _plain(block) or _any(block)


def _plain(block: bytes) -> Header | None:
    """Read octal numbers that end with a NUL or a space; None where anything is unusual."""
    name, mode, uid, gid, size, mtime, checksum, kind, link, _, device, prefix = _FIELDS.unpack(block)
    if kind not in _PLAIN or device.strip(b"0 \0"):
        return None
    try:
        stated, *numbers = [
            int(field.partition(b"\0")[0], 8) for field in (checksum, mode, uid, gid, size, mtime)
        ]
    except ValueError:
        return None
    # The field itself counts as eight spaces.
    if stated != sum(block) - sum(checksum) + 8 * 0x20:
        return None
    path = _text(name)
    if kind == tarfile.DIRTYPE:
        path = path.rstrip("/")
    if prefix[0]:
        path = f"{_text(prefix)}/{path}"
    return Header(path, kind, _text(link), *numbers)


def _text(field: bytes) -> str:
    # A long name's own header holds its first 100 bytes, which may end within a character.
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _any(block: bytes) -> Header:
    found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    return Header(
        found.name,
        found.type,
        found.linkname,
        found.mode,
        found.uid,
        found.gid,
        found.size,
        int(found.mtime),
    )
