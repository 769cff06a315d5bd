"""Shared libraries without what only debuggers read: symbol tables and debug information."""

from __future__ import annotations

import struct
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


def stripped_size(head: bytes, size: int) -> int:
    """Tell from its first bytes how many of a library's `size` stay: program headers stand there.

    It is `size` where they stand elsewhere, as in libraries that auditwheel has patched, which lose nothing.
    The names of sections, at the library's end, are taken to have their usual length.
    """
    if len(head) < ELF_HEADER.size or not head.startswith(ELF_IDENT):
        return size
    fields = ELF_HEADER.unpack_from(head)
    segments_at, sections_at, segments, sections = fields[5], fields[6], fields[10], fields[12]
    table = head[segments_at : segments_at + segments * _SEGMENT.size]
    if fields[1] != _ET_DYN or fields[9] != _SEGMENT.size or len(table) < segments * _SEGMENT.size:
        return size
    kept = max((row[2] + row[5] for row in _SEGMENT.iter_unpack(table)), default=size)
    left = kept + sections * (_SECTION_BYTES + _NAME_BYTES)
    return left if sections_at >= kept and left < size else size


_SEGMENT = struct.Struct("<IIQQQQQQ")
_ET_DYN = 3
_SECTION_BYTES, _NAME_BYTES = 64, 11
HEAD = 2048
"""Bytes of a library that have its program headers, but for one that was patched."""
