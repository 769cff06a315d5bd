"""Contents too large for memory, in files without a name: nothing is left of them, however the run ends."""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from lightship.digest import CHUNK
from lightship.fs.entries import BytesContent, Content

IN_MEMORY = 8 << 20
"""Bytes up to which a file is simply held."""


class SpooledContent:
    """Content in an unnamed file, which lives as long as this object does."""

    def __init__(self, chunks: Iterable[bytes], folder: Path) -> None:
        with tempfile.TemporaryFile(dir=folder) as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            self._size = stream.tell()
            self._descriptor = os.dup(stream.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    @property
    def size(self) -> int:
        return self._size

    def open(self) -> BinaryIO:
        return os.fdopen(os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY), "rb")

    def chunks(self) -> Iterator[bytes]:
        offset = 0
        while chunk := os.pread(self._descriptor, CHUNK, offset):
            yield chunk
            offset += len(chunk)


def keep(chunks: Iterable[bytes], size: int, folder: Path) -> Content:
    """Hold `size` bytes in memory, or in `folder` where they are many."""
    return SpooledContent(chunks, folder) if size > IN_MEMORY else BytesContent(b"".join(chunks))


def seekable(content: Content) -> BinaryIO:
    """Open a content for random access."""
    if isinstance(content, SpooledContent):
        return content.open()
    return io.BytesIO(b"".join(content.chunks()))
