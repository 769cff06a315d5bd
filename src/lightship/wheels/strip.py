"""Shared libraries without what only debuggers read: symbol tables and debug information.

The loader reads segments; sections that lie in none of them serve linkers and debuggers (System V gABI,
chapter 4). They stand at a file's end, so what is dropped is its tail, and not one byte of a segment moves:
binutils' `strip`, which writes segments anew, breaks libraries that auditwheel has patched (page alignment).
Sections that stay keep their numbers, for symbols refer to them by number.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lightship.debs.spool import keep, seekable
from lightship.elf import MAGIC
from lightship.fs.entries import Content

_LIBRARY = re.compile(r".+\.so(\.[0-9.]+)?")
_IDENT = MAGIC + b"\x02\x01\x01"  # 64 bits, little-endian, version 1
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_ET_DYN, _SHT_NOBITS, _SHF_ALLOC = 3, 8, 2
_LARGEST = 1 << 40
_PADDING = 4096
"""Bytes between sections that may belong to none: linkers align them."""


class _Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def end(self) -> int:
        return self.offset + (0 if self.type == _SHT_NOBITS else self.size)


@dataclass(frozen=True, slots=True)
class Stripped:
    """The first `kept` bytes of a library under a new ELF header, and `tail`: names and table of sections."""

    original: Content
    header: bytes
    kept: int
    tail: bytes

    @property
    def size(self) -> int:
        return self.kept + len(self.tail)

    def chunks(self) -> Iterator[bytes]:
        yield self.header
        position = 0
        for chunk in self.original.chunks():
            piece = chunk[max(0, len(self.header) - position) : max(0, self.kept - position)]
            position += len(chunk)
            if piece:
                yield piece
        yield self.tail


def strip_library(path: str, content: Content, scratch: Path) -> Content:
    """Drop a library's symbols for debuggers; what is no library, or has none, is given back as it is.

    A big file is kept in `scratch` meanwhile. Libraries with anything behind their segments that no section
    describes stay as they are: they may read it themselves.
    """
    if not is_library(path) or content.size < _HEADER.size:
        return content
    if not next(content.chunks()).startswith(_IDENT):
        return content
    with seekable(keep(content.chunks(), content.size, scratch)) as stream:
        return _strip(content, stream) or content


def is_library(path: str) -> bool:
    """Tell by its name whether a file is a shared library."""
    return bool(_LIBRARY.fullmatch(posixpath.basename(path)))


def _strip(content: Content, stream: BinaryIO) -> Stripped | None:
    fields = list(_HEADER.unpack(stream.read(_HEADER.size)))
    kind, segments_at, sections_at = fields[1], fields[5], fields[6]
    segment_size, segments, section_size, count, names_index = fields[9:14]
    if (kind, segment_size, section_size) != (_ET_DYN, _SEGMENT.size, _SECTION.size) or names_index >= count:
        return None
    sections = [_Section(*row) for row in _table(stream, _SECTION, sections_at, count)]
    ranges = [row[2] + row[5] for row in _table(stream, _SEGMENT, segments_at, segments)]
    kept = max([segments_at + segments * _SEGMENT.size, *ranges])
    stays = [bool(section.flags & _SHF_ALLOC) or section.end <= kept for section in sections]
    kept = max([kept, *(section.end for section, stay in zip(sections, stays, strict=True) if stay)])
    table_end = sections_at + count * _SECTION.size
    if (
        len(sections) != count
        or kept > content.size
        or not _is_described(sections, (sections_at, table_end), kept, content.size)
    ):
        return None
    names = _read(stream, sections[names_index].offset, sections[names_index].size)
    aligned = -(-(kept + len(names)) // 8) * 8
    fields[6] = aligned
    table = []
    for number, (section, stay) in enumerate(zip(sections, stays, strict=True)):
        if number == names_index:
            table.append(section._replace(offset=kept))
        else:
            table.append(section if stay else _Section(*(0 for _ in section)))
    tail = names.ljust(aligned - kept, b"\0") + b"".join(_SECTION.pack(*row) for row in table)
    result = Stripped(content, _HEADER.pack(*fields), kept, tail)
    return result if result.size < content.size else None


def _is_described(sections: list[_Section], table: tuple[int, int], start: int, size: int) -> bool:
    """Tell whether sections, and their table, are all that lies behind `start`."""
    position = start
    for begin, end in sorted([(section.offset, section.end) for section in sections] + [table]):
        if end > position:
            if begin > position + _PADDING:
                return False
            position = end
    return size <= position + _PADDING


def _table(stream: BinaryIO, row: struct.Struct, offset: int, count: int) -> list[tuple[int, ...]]:
    data = _read(stream, offset, row.size * count)
    return list(row.iter_unpack(data[: len(data) // row.size * row.size]))


def _read(stream: BinaryIO, offset: int, size: int) -> bytes:
    """Read up to `size` bytes; nothing where a damaged header points beyond every file."""
    if offset > _LARGEST or size > _LARGEST:
        return b""
    stream.seek(offset)
    return stream.read(size)
