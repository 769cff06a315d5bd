"""ELF files: what they need, and where the dynamic loader finds it (ld.so(8), System V gABI chapter 5).

Symbol versions are those of the Linux Standard Base, core specification, chapter 10.7.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import takewhile
from typing import BinaryIO, NamedTuple

import msgspec

from lightship.errors import IntegrityError

MAGIC = b"\x7fELF"
_DF_1_PIE = 0x08000000
_VER_FLG_BASE, _VER_FLG_WEAK = 1, 2
_MOST_VERSIONS = _MOST_TAGS = 10_000
_LONGEST_NAME = 256
_LONGEST_TEXT = 1 << 16
"""Bytes of a search path, above which the file is damaged."""
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 14, 15, 29
_DT_FLAGS_1, _DT_VERNEED, _DT_VERDEF = 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFC


class ElfInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of an ELF file matters to loading it; `machine` as in elf.h without `EM_`, such as `X86_64`.

    `wants` are versions of symbols by the library that must define them, `defines` those that it has itself;
    both are read where they are asked for.
    """

    machine: str
    bits: int
    is_executable: bool = False
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    wants: dict[str, tuple[str, ...]] = {}
    defines: tuple[str, ...] = ()


def read_elf(stream: BinaryIO, *, where: str = "", versions: bool = False) -> ElfInfo | None:
    """Read a seekable file from its beginning; None if it is no ELF file, or only an object file.

    Only what the dynamic loader reads is read: headers, the dynamic segment, and the strings that it names.

    Raises:
        IntegrityError: it begins as an ELF file, and is damaged.

    """
    if stream.read(4) != MAGIC:
        return None
    try:
        file = _File.open(stream)
        if file.kind not in (_ET_EXEC, _ET_DYN):
            return None
        info = _read(file)
        return _with_versions(file, info) if versions else info
    except (LookupError, ValueError, struct.error, OverflowError) as error:
        raise IntegrityError(f"a damaged ELF file: {error}", where=where) from error


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


@dataclass(frozen=True)
class _File:
    """The header and the segments of a file (System V gABI, chapters 4 and 5)."""

    stream: BinaryIO
    bits: int
    order: str
    kind: int
    machine: int
    segments: tuple[_Segment, ...]

    @staticmethod
    def open(stream: BinaryIO) -> _File:
        ident = _bytes(stream, 0, 16)
        bits, order = {1: 32, 2: 64}[ident[4]], {1: "<", 2: ">"}[ident[5]]
        words = "QQQ" if bits == 64 else "III"
        layout = struct.Struct(f"{order}HHI{words}IHHHHHH")
        head = layout.unpack(_bytes(stream, 16, layout.size))
        place, size, count = head[4], head[8], head[9]
        layout = struct.Struct(f"{order}{'IIQQQQQQ' if bits == 64 else 'IIIIIIII'}")
        table = _bytes(stream, place, size * count)
        rows = [layout.unpack_from(table, size * number) for number in range(count)]
        if bits == 64:
            segments = tuple(_Segment(row[0], row[2], row[3], row[5]) for row in rows)
        else:
            segments = tuple(_Segment(row[0], row[1], row[2], row[4]) for row in rows)
        return _File(stream, bits, order, head[0], head[1], segments)

    def segment(self, kind: int) -> _Segment | None:
        return next((segment for segment in self.segments if segment.kind == kind), None)

    @cached_property
    def dynamic(self) -> tuple[tuple[int, int], ...]:
        """Tags with their values, up to the one that ends them."""
        segment = self.segment(_PT_DYNAMIC)
        if segment is None:
            return ()
        layout = struct.Struct(f"{self.order}{'qQ' if self.bits == 64 else 'iI'}")
        data = _bytes(self.stream, segment.offset, min(segment.size, layout.size * _MOST_TAGS))
        tags = layout.iter_unpack(data[: len(data) // layout.size * layout.size])
        return tuple(takewhile(lambda tag: tag[0] != _DT_NULL, tags))

    def values(self, tag: int) -> list[int]:
        return [value for found, value in self.dynamic if found == tag]

    def place(self, tag: int) -> int:
        """Give where in the file a table is, 0 where there is none."""
        for address in self.values(tag):
            for kind, offset, start, size in self.segments:
                if kind == _PT_LOAD and start <= address < start + size:
                    return address - start + offset
        return 0

    def texts(self, tag: int) -> list[str]:
        strings = self.place(_DT_STRTAB)
        found = self.values(tag)
        if found and not strings:
            raise ValueError("names, and no table of them")
        return [_text(self.stream, strings + value) for value in found]


def _bytes(stream: BinaryIO, at: int, size: int) -> bytes:
    stream.seek(at)
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("it ends too soon")
    return data


def _text(stream: BinaryIO, at: int, errors: str = "replace") -> str:
    """Read up to a zero byte; a file may well end within what is read."""
    stream.seek(at)
    found = bytearray()
    while b"\0" not in found:
        piece = stream.read(_LONGEST_NAME)
        if not piece or len(found) > _LONGEST_TEXT:
            raise ValueError("a name that does not end")
        found += piece
    return found.partition(b"\0")[0].decode("utf-8", errors)


def _read(file: _File) -> ElfInfo:
    segment = file.segment(_PT_INTERP)
    # Files of debugging symbols alone have a segment, and something else in its place.
    interpreter = _text(file.stream, segment.offset, "strict") if segment is not None else ""
    flags = sum(file.values(_DT_FLAGS_1))
    return ElfInfo(
        machine=_machine(file.machine),
        bits=file.bits,
        # Position-independent executables are ET_DYN as libraries are; a static one has no interpreter.
        is_executable=file.kind == _ET_EXEC or bool(flags & _DF_1_PIE) or bool(interpreter),
        interpreter=interpreter,
        soname=next(iter(file.texts(_DT_SONAME)), ""),
        needed=tuple(file.texts(_DT_NEEDED)),
        rpath=_search_path(file.texts(_DT_RPATH)),
        runpath=_search_path(file.texts(_DT_RUNPATH)),
    )


def _machine(number: int) -> str:
    return _machines().get(number, str(number))


@cache
def _machines() -> dict[int, str]:
    from elftools.elf.enums import ENUM_E_MACHINE

    return {value: name.removeprefix("EM_") for name, value in ENUM_E_MACHINE.items() if name != "_default_"}


def _search_path(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for text in texts for part in text.split(":") if part)


def _with_versions(file: _File, info: ElfInfo) -> ElfInfo:
    """Read what the dynamic segment says of versions: sections may be stripped."""
    wants: dict[str, tuple[str, ...]] = {}
    for library, version in _wanted(file):
        wants[library] = (*wants.get(library, ()), version)
    return msgspec.structs.replace(info, wants=wants, defines=tuple(_defined(file)))


def _wanted(file: _File) -> Iterator[tuple[str, str]]:
    """Yield library and version; those of weak references alone are not asked for."""
    stream, order = file.stream, file.order
    begin, names = _table(file, _DT_VERNEED)
    for at, (_, count, needed, first, _) in _records(stream, begin, f"{order}HHIII"):
        library = _name(stream, names + needed)
        for _, (_, flags, _, name, _) in _records(stream, at + first, f"{order}IHHII", count):
            if not flags & _VER_FLG_WEAK:
                yield library, _name(stream, names + name)


def _defined(file: _File) -> Iterator[str]:
    stream, order = file.stream, file.order
    begin, names = _table(file, _DT_VERDEF)
    for at, (_, flags, _, _, _, first, _) in _records(stream, begin, f"{order}HHHHIII"):
        for _, (name, _) in _records(stream, at + first, f"{order}II", 1):
            if not flags & _VER_FLG_BASE:
                yield _name(stream, names + name)


def _table(file: _File, tag: int) -> tuple[int, int]:
    """Give the places of a table and of its strings in the file, 0 where there is no such table."""
    at, names = file.place(tag), file.place(_DT_STRTAB)
    return (at, names) if names else (0, 0)


def _records(
    stream: BinaryIO, at: int, layout: str, most: int = _MOST_VERSIONS
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Follow a chain whose records end with the distance to the next one, 0 in the last."""
    for _ in range(most if at else 0):
        stream.seek(at)
        fields = struct.unpack(layout, stream.read(struct.calcsize(layout)))
        yield at, fields
        if not fields[-1]:
            return
        at += fields[-1]


def _name(stream: BinaryIO, at: int) -> str:
    stream.seek(at)
    return stream.read(_LONGEST_NAME).partition(b"\0")[0].decode("ascii")
