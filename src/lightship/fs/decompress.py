"""Layer blobs, decompressed by media type (OCI image spec, layer.md): gzip, zstd, or none."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

from lightship.errors import IntegrityError

PIECE = 1 << 18
"""Bytes that are handed on at once: whatever a blob inflates to, no more than this is held."""


def decompress(chunks: Iterable[bytes], media_type: str, *, archive: str) -> Iterator[bytes]:
    """Yield what a blob holds; gzip of any number of members, zstd of any number of frames.

    A zstd blob that breaks off within a frame simply ends: its tar, or its diff ID, then does not add up.

    Raises:
        IntegrityError: the blob is damaged or truncated, or its compression is not known.

    """
    suffix = media_type.rpartition(".")[2].rpartition("+")[2]
    if suffix == "tar":
        yield from chunks
        return
    if suffix not in ("gzip", "zstd"):
        raise IntegrityError(f"unknown kind of layer: {media_type}", where=archive)
    source = cast(BinaryIO, io.BufferedReader(_ChunkReader(chunks), PIECE))
    yield from _gunzip(source, archive) if suffix == "gzip" else _unzstd(source, archive)


def _gunzip(source: BinaryIO, archive: str) -> Iterator[bytes]:
    from isal import igzip, igzip_lib

    reader = cast("BinaryIO", igzip.IGzipFile(fileobj=source, mode="rb"))  # type: ignore[no-untyped-call]
    try:
        while piece := reader.read(PIECE):
            yield piece
    except (EOFError, gzip.BadGzipFile, zlib.error, igzip_lib.IsalError) as error:  # type: ignore[misc]  # its stub says instance
        raise _damaged(error, archive) from error


def _unzstd(source: BinaryIO, archive: str) -> Iterator[bytes]:
    import zstandard

    reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
    try:
        while piece := reader.read(PIECE):
            yield piece
    except zstandard.ZstdError as error:
        raise _damaged(error, archive) from error


def _damaged(error: Exception, archive: str) -> IntegrityError:
    return IntegrityError(
        f"the blob does not decompress: {error}", where=archive, hint="build or fetch the image again"
    )


class _ChunkReader(io.RawIOBase):
    """A file over pieces of bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # collections.abc.Buffer is new in Python 3.12
        while not self._rest:
            piece = next(self._chunks, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
