"""Compressors for layers, whose output is the same on every machine.

The default writes gzip with many members (RFC 1952, section 2.2: a gzip file is a series of members). What a
wheel already holds as a raw DEFLATE stream becomes a member without being compressed again; small files and
headers are gathered and compressed by libdeflate, whose output does not depend on the CPU.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol, runtime_checkable

import deflate

from lightship.digest import CHUNK, Digest

GATHER = 1 << 18
"""Bytes of small files that share one gzip member."""
SMALL = 1 << 16
"""Files below this many bytes are gathered: compressed together they are smaller than transplanted."""
LEVEL = 6
ZSTD_LEVEL = 9
"""A tenth smaller than level 3 for libraries; higher levels gain little and take ten times as long."""
_MEMBER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # RFC 1952, section 2.3: deflate, no flags, no time, unknown OS


@runtime_checkable
class Deflated(Protocol):
    """Content that is kept as one raw DEFLATE stream (RFC 1951), as a zip member is."""

    crc32: int

    @property
    def size(self) -> int:
        """Length in bytes, inflated."""

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield pieces of the raw stream, each with what it inflates to; checked at the end."""


class Sink:
    """Writes to a file, and knows the digest and number of bytes of what went through."""

    def __init__(self, out: BinaryIO) -> None:
        self._write = out.write
        self._state = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | bytearray) -> None:
        self._write(data)
        self._state.update(data)
        self.size += len(data)

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self._state.hexdigest()}")


class Compressor(Protocol):
    """Takes uncompressed bytes, and content that may already be compressed."""

    def write(self, data: bytes | bytearray) -> None: ...

    def transplant(self, content: Deflated, tap: Callable[[bytes], None]) -> None:
        """Write a whole content; `tap` is shown its uncompressed bytes."""

    def finish(self) -> None: ...


def member(data: bytes) -> bytes:
    """Compress to one gzip member."""
    trailer = struct.pack("<II", deflate.crc32(data), len(data) & 0xFFFFFFFF)
    return _MEMBER + deflate.deflate_compress(data, LEVEL) + trailer


class MemberGzip:
    """gzip of many members."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pending = bytearray()

    def write(self, data: bytes | bytearray) -> None:
        self._pending += data
        if len(self._pending) >= GATHER:
            self.flush()

    def transplant(self, content: Deflated, tap: Callable[[bytes], None]) -> None:
        self.flush()
        self._sink.write(_MEMBER)
        for raw, plain in content.pairs():
            self._sink.write(raw)
            tap(plain)
        self._sink.write(struct.pack("<II", content.crc32, content.size & 0xFFFFFFFF))

    def finish(self) -> None:
        self.flush()

    def flush(self) -> None:
        """End the member: what is written next begins another one."""
        for start in range(0, len(self._pending), CHUNK):
            self._sink.write(member(bytes(self._pending[start : start + CHUNK])))
        self._pending.clear()


class _Stream(Protocol):
    def compress(self, data: bytes | bytearray, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Streaming:
    """One compressed stream from end to end: a gzip of a single member, or a zstd frame.

    zlib-ng's output depends on how its input is cut, and how an inflater cuts its output on the CPU: so the
    compressor is given pieces of one size.
    """

    def __init__(self, sink: Sink, stream: _Stream) -> None:
        self._sink = sink
        self._stream = stream
        self._pending = bytearray()

    def write(self, data: bytes | bytearray) -> None:
        self._pending += data
        whole = len(self._pending) - len(self._pending) % CHUNK
        for start in range(0, whole, CHUNK):
            self._sink.write(self._stream.compress(bytes(self._pending[start : start + CHUNK])))
        del self._pending[:whole]

    def transplant(self, content: Deflated, tap: Callable[[bytes], None]) -> None:
        for _, plain in content.pairs():
            self.write(plain)
            tap(plain)

    def finish(self) -> None:
        self._sink.write(self._stream.compress(bytes(self._pending)) + self._stream.flush())


def single_gzip(sink: Sink) -> Compressor:
    """Compress to gzip of one member, for readers that stop after the first."""
    from zlib_ng import zlib_ng

    return Streaming(sink, zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, 31))


def zstd(sink: Sink) -> Compressor:
    """Compress to one zstd frame (RFC 8878), on one thread: the number of threads changes the bytes."""
    import zstandard

    return Streaming(sink, zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compressobj())
