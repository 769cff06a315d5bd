"""Deterministic tar: POSIX ustar headers, PAX where ustar is too small (POSIX.1-2017, `pax`)."""

from __future__ import annotations

import tarfile

from lightship.fs.entries import Entry, Kind

BLOCK = 512
END = bytes(2 * BLOCK)
EPOCH = 315532800
"""Time stamp of every entry: 1980-01-01, the oldest that zip files, made from the tree later, can hold."""

_NAME, _PREFIX = 100, 155
_LARGEST = 0o77777777777
_TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.HARDLINK: tarfile.LNKTYPE,
}
_MTIME = b"%011o\0" % EPOCH
_MAGIC = b"ustar\x0000" + bytes(64) + b"0000000\x000000000\x00"  # no user or group names, no device numbers


def header(entry: Entry) -> bytes:
    """Header of one entry: one block, or three where a PAX header must come first."""
    path = entry.path + "/" if entry.kind is Kind.DIRECTORY else entry.path
    name, prefix = _split(path.encode())
    target = entry.target.encode()
    if name is None or len(target) > _NAME or entry.size > _LARGEST or not path.isascii():
        return _pax(entry, path)
    block = b"".join(
        (
            name.ljust(_NAME, b"\0"),
            b"%07o\0%07o\0%07o\0%011o\0" % (entry.mode, entry.uid, entry.gid, entry.size),
            _MTIME,
            b"        ",
            _TYPES[entry.kind],
            target.ljust(_NAME, b"\0"),
            _MAGIC,
            prefix.ljust(_PREFIX + 12, b"\0"),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padding(size: int) -> bytes:
    """Zero bytes that fill the last block of `size` bytes of content."""
    return bytes(-size % BLOCK)


def _split(path: bytes) -> tuple[bytes | None, bytes]:
    """Share a long path between the `name` and `prefix` fields at a slash, as ustar allows."""
    if len(path) <= _NAME:
        return path, b""
    cut = path.rfind(b"/", 0, min(_PREFIX + 1, len(path) - 1))
    if cut > 0 and len(path) - cut - 1 <= _NAME:
        return path[cut + 1 :], path[:cut]
    return None, b""


def _pax(entry: Entry, path: str) -> bytes:
    info = tarfile.TarInfo(path.rstrip("/"))
    info.type = _TYPES[entry.kind]
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    info.size, info.mtime, info.linkname = entry.size, EPOCH, entry.target
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
