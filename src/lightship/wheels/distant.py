"""Wheels read where they are: the zip directory and a few members, by requests for parts of them.

What is read so is checked by CRC-32 and `RECORD` alone, not by the wheel's digest: it may say how big an
image will be, and never goes into one.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lightship.errors import IntegrityError
from lightship.wheels.archive import (
    FETCH_AGAIN,
    DeflatedMember,
    Member,
    Source,
    WheelArchive,
    read_directory,
)

Part = tuple[int, bytes]
"""Where bytes stand in a file, and the bytes."""
_LEAST, _TAIL_LEAST, _TAIL_MOST = 1 << 12, 1 << 14, 1 << 20
_TAIL_SHARE = 64
"""The directory is about this part of a wheel; the metadata stands before it (PEP 427)."""
_PIECE = 1 << 18
_GAP = 1 << 15
"""Bytes that are read in vain rather than asked for by another request."""
_EXTRA = 64
_LOCAL = struct.Struct("<4s22xHH")


class Parts:
    """Parts of a file of `size` bytes, each asked for once; `known` were read before.

    `fetch` gives the bytes from a place up to but without another one.
    """

    def __init__(
        self, name: str, size: int, fetch: Callable[[int, int], bytes], known: tuple[Part, ...] = ()
    ) -> None:
        self.name = name
        self.size = size
        self.parts = list(known)
        self.fetched = 0
        self._fetch = fetch

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or offset + size > self.size:
            raise IntegrityError("the wheel is truncated", where=self.name, hint=FETCH_AGAIN)
        for start, data in self.parts:
            if start <= offset and offset + size <= start + len(data):
                return data[offset - start : offset - start + size]
        end = min(self.size, offset + max(size, _LEAST))
        data = self._fetch(offset, end)
        if len(data) != end - offset:
            raise IntegrityError("the wheel is truncated", where=self.name, hint=FETCH_AGAIN)
        self.fetched += len(data)
        self.parts.append((offset, data))
        return data[:size]


def open_parts(parts: Parts) -> WheelArchive:
    """Read a wheel's zip directory; what is read of members is asked for when it is needed.

    Raises:
        IntegrityError: as `open_wheel`.
        NetworkError: what `fetch` raises.

    """
    tail = min(parts.size, max(_TAIL_LEAST, min(_TAIL_MOST, parts.size // _TAIL_SHARE)))
    parts.read(parts.size - tail, tail)
    stream = io.BufferedReader(_Stream(parts), 1)
    return read_directory(stream, parts, _KINDS, lambda _, info: info.header_offset)


def head(member: Member, size: int) -> bytes:
    """Read the first bytes of a member, at most `size`, and no more of the wheel than that takes."""
    offset = member.offset
    if isinstance(member, DistantMember | DistantDeflated):
        offset += _header_size(member)
    raw = member.handle.read(offset, min(member.packed, _LEAST // 2))
    if not isinstance(member, DeflatedMember):
        return raw[:size]
    try:
        return zlib.decompressobj(-15).decompress(raw, size)
    except zlib.error as error:
        raise IntegrityError(f"{member.path} is damaged", where=member.handle.name) from error


def bring(members: Iterable[Member]) -> None:
    """Read members before they are asked for; those that stand close to each other by one request.

    Raises:
        NetworkError: what `fetch` raises.

    """
    spans: list[tuple[Source, int, int]] = []
    for member in sorted(members, key=lambda member: (member.handle.name, member.offset)):
        start, end = member.offset, member.offset + _header_room(member) + member.packed
        if spans and spans[-1][0] is member.handle and start - spans[-1][2] < _GAP:
            start = spans.pop()[1]
        spans.append((member.handle, start, end))
    for source, start, end in spans:
        source.read(start, end - start)


def _header_room(member: Member) -> int:
    """Length of a local header and a little more; what is too much is the directory's, which is longer."""
    return _LOCAL.size + len(member.path.encode()) + _EXTRA


@dataclass(frozen=True, slots=True)
class DistantMember(Member):
    """A member whose `offset` is that of its local header."""

    def raw(self) -> Iterator[bytes]:
        yield from _raw(self)


@dataclass(frozen=True, slots=True)
class DistantDeflated(DeflatedMember):
    """A deflated member whose `offset` is that of its local header."""

    def raw(self) -> Iterator[bytes]:
        yield from _raw(self)


def _raw(member: Member) -> Iterator[bytes]:
    begin = member.offset + _header_size(member)
    for start in range(0, member.packed, _PIECE):
        yield member.handle.read(begin + start, min(_PIECE, member.packed - start))


def _header_size(member: Member) -> int:
    """Length of a local header (APPNOTE.TXT, section 4.3.7)."""
    magic, name_size, extra_size = _LOCAL.unpack(member.handle.read(member.offset, _LOCAL.size))
    if magic != b"PK\x03\x04":
        raise IntegrityError(f"no local header for {member.path}", where=member.handle.name, hint=FETCH_AGAIN)
    return _LOCAL.size + int(name_size) + int(extra_size)


class _Stream(io.RawIOBase):
    """The whole file, for `zipfile`, which reads its end."""

    def __init__(self, source: Parts) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._position, self._source.size)[whence]
        if base + offset < 0:
            raise OSError("a place before the file")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), self._source.size - self._position)
        buffer[: max(size, 0)] = self._source.read(self._position, size) if size > 0 else b""
        self._position += max(size, 0)
        return max(size, 0)


_KINDS: Mapping[int, type[Member]] = {
    zipfile.ZIP_STORED: DistantMember,
    zipfile.ZIP_DEFLATED: DistantDeflated,
}
