"""Shared libraries without what only debuggers read: symbol tables and debug information."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lightship.debs.spool import keep, seekable
from lightship.fs.entries import Content
from lightship.slim import ELF_HEADER, ELF_IDENT, Cut, cut_library, is_library


@dataclass(frozen=True, slots=True)
class Stripped:
    """A library as it is cut: what stays of the original, between a new ELF header and a new tail."""

    original: Content
    cut: Cut

    @property
    def size(self) -> int:
        return self.cut.kept + len(self.cut.tail)

    def chunks(self) -> Iterator[bytes]:
        header, kept, tail = self.cut
        yield header
        position = 0
        for chunk in self.original.chunks():
            piece = chunk[max(0, len(header) - position) : max(0, kept - position)]
            position += len(chunk)
            if piece:
                yield piece
        yield tail


def strip_library(path: str, content: Content, scratch: Path) -> Content:
    """Drop a library's symbols for debuggers; what is no library, or has none, is given back as it is.

    A big file is kept in `scratch` meanwhile.
    """
    if not is_library(path) or content.size < ELF_HEADER.size:
        return content
    if not next(content.chunks()).startswith(ELF_IDENT):
        return content
    with seekable(keep(content.chunks(), content.size, scratch)) as stream:
        cut = cut_library(stream, content.size)
    return Stripped(content, cut) if cut else content
