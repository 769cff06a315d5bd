"""Deterministic tar: POSIX ustar headers, PAX where ustar is too small (POSIX.1-2017, `pax`)."""

from __future__ import annotations

from collections.abc import Iterable

from lightship.fs.entries import Entry, Kind

BLOCK = 512
END = bytes(2 * BLOCK)
EPOCH = 315532800
"""Time stamp of every entry: 1980-01-01, the oldest that zip files, made from the tree later, can hold."""

_NAME, _PREFIX = 100, 155
_LARGEST = 0o77777777777
_LARGEST_ID = 0o7777777
_TYPES = {
    Kind.FILE: b"0",
    Kind.DIRECTORY: b"5",
    Kind.SYMLINK: b"2",
    Kind.HARDLINK: b"1",
}
_MTIME = b"%011o\0" % EPOCH
_MAGIC = b"ustar\x0000" + bytes(80)  # no user or group names, no device numbers


def header(entry: Entry) -> bytes:
    """Header of one entry: one block, or three and more where a PAX header must come first.

    Written here, not by `tarfile`, whose bytes have changed between releases of Python.
    """
    path = (entry.path + "/" if entry.kind is Kind.DIRECTORY else entry.path).encode()
    target = entry.target.encode()
    split = _split(path) if path.isascii() else None
    name, prefix = split or (_portable(path), b"")
    records = [] if split else [(b"path", path)]
    if _portable(target) != target:
        records.append((b"linkpath", target))
    numbers = (
        (b"uid", entry.uid, _LARGEST_ID),
        (b"gid", entry.gid, _LARGEST_ID),
        (b"size", entry.size, _LARGEST),
    )
    records += [(key, b"%d" % value) for key, value, largest in numbers if value > largest]
    fitting = [0 if value > largest else value for _, value, largest in numbers]
    fields = b"%07o\0%07o\0%07o\0%011o\0" % (entry.mode, *fitting) + _MTIME
    block = _block(name, fields, _TYPES[entry.kind], _portable(target), prefix)
    return _extended(records) + block if records else block


def padding(size: int) -> bytes:
    """Zero bytes that fill the last block of `size` bytes of content."""
    return bytes(-size % BLOCK)


def _split(path: bytes) -> tuple[bytes, bytes] | None:
    """Share a long path between the `name` and `prefix` fields at a slash, as ustar allows."""
    if len(path) <= _NAME:
        return path, b""
    cut = path.rfind(b"/", 0, min(_PREFIX + 1, len(path) - 1))
    if cut > 0 and len(path) - cut - 1 <= _NAME:
        return path[cut + 1 :], path[:cut]
    return None


def _extended(records: Iterable[tuple[bytes, bytes]]) -> bytes:
    """PAX header: `<length> <key>=<value>` lines, the length counting itself."""
    data = b""
    for key, value in records:
        rest = b" " + key + b"=" + value + b"\n"
        length = len(rest) + len(b"%d" % len(rest))
        length = len(rest) + len(b"%d" % length)
        data += b"%d" % length + rest
    fields = b"0000000\0" * 3 + b"%011o\0" % len(data) + b"%011o\0" % 0
    return _block(b"././@PaxHeader", fields, b"x", b"", b"") + data + padding(len(data))


def _portable(text: bytes) -> bytes:
    """What a ustar field can hold of a text: all of it, or a stand-in for readers that do not know PAX."""
    return text.decode().encode("ascii", "replace")[:_NAME]


def _block(name: bytes, numbers: bytes, kind: bytes, target: bytes, prefix: bytes) -> bytes:
    block = b"".join(
        (
            name.ljust(_NAME, b"\0"),
            numbers,
            b"        ",
            kind,
            target.ljust(_NAME, b"\0"),
            _MAGIC,
            prefix.ljust(_PREFIX + 12, b"\0"),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
