"""ELF files: what they need, and where the dynamic loader finds it (ld.so(8), System V gABI chapter 5).

Symbol versions are those of the Linux Standard Base, core specification, chapter 10.7.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from lightship.errors import IntegrityError

MAGIC = b"\x7fELF"
_DF_1_PIE = 0x08000000
_VER_FLG_BASE, _VER_FLG_WEAK = 1, 2
_MOST_VERSIONS = 10_000
_LONGEST_NAME = 256


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

    Raises:
        IntegrityError: it begins as an ELF file, and is damaged.

    """
    if stream.read(4) != MAGIC:
        return None
    from elftools.elf.elffile import ELFFile

    stream.seek(0)
    try:
        file = ELFFile(stream)
        info = _read(file)
        return _with_versions(file, info) if versions and info is not None else info
    except _damages() as error:
        raise IntegrityError(f"a damaged ELF file: {error}", where=where) from error


def _damages() -> tuple[type[Exception], ...]:
    from elftools.common.exceptions import ELFError
    from elftools.construct.core import ConstructError

    return ELFError, ConstructError, AttributeError, LookupError, TypeError, ValueError, struct.error


def _read(file: Any) -> ElfInfo | None:
    if file["e_type"] not in ("ET_EXEC", "ET_DYN"):
        return None
    interpreter = next((segment.get_interp_name() for segment in file.iter_segments("PT_INTERP")), "")
    tags = [tag for segment in file.iter_segments("PT_DYNAMIC") for tag in segment.iter_tags()]
    flags = sum(tag.entry.d_val for tag in tags if tag.entry.d_tag == "DT_FLAGS_1")
    return ElfInfo(
        machine=str(file["e_machine"]).removeprefix("EM_"),
        bits=file.elfclass,
        # Position-independent executables are ET_DYN as libraries are; a static one has no interpreter.
        is_executable=file["e_type"] == "ET_EXEC" or bool(flags & _DF_1_PIE) or bool(interpreter),
        interpreter=interpreter,
        soname=next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), ""),
        needed=tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        rpath=_search_path(tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"),
        runpath=_search_path(tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"),
    )


def _search_path(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for text in texts for part in text.split(":") if part)


def _with_versions(file: Any, info: ElfInfo) -> ElfInfo:
    """Read what the dynamic segment says of versions: sections may be stripped."""
    for segment in file.iter_segments("PT_DYNAMIC"):
        wants: dict[str, tuple[str, ...]] = {}
        for library, version in _wanted(file.stream, segment):
            wants[library] = (*wants.get(library, ()), version)
        return msgspec.structs.replace(info, wants=wants, defines=tuple(_defined(file.stream, segment)))
    return info


def _wanted(stream: BinaryIO, segment: Any) -> Iterator[tuple[str, str]]:
    """Yield library and version; those of weak references alone are not asked for."""
    begin, names = _table(segment, "DT_VERNEED")
    for at, (_, count, file, first, _) in _records(stream, begin, "<HHIII"):
        library = _name(stream, names + file)
        for _, (_, flags, _, name, _) in _records(stream, at + first, "<IHHII", count):
            if not flags & _VER_FLG_WEAK:
                yield library, _name(stream, names + name)


def _defined(stream: BinaryIO, segment: Any) -> Iterator[str]:
    begin, names = _table(segment, "DT_VERDEF")
    for at, (_, flags, _, _, _, first, _) in _records(stream, begin, "<HHHHIII"):
        for _, (name, _) in _records(stream, at + first, "<II", 1):
            if not flags & _VER_FLG_BASE:
                yield _name(stream, names + name)


def _table(segment: Any, tag: str) -> tuple[int, int]:
    """Give the places of a table and of its strings in the file, 0 where there is no such table."""
    at, names = segment.get_table_offset(tag)[1], segment.get_table_offset("DT_STRTAB")[1]
    return (at or 0, names) if names else (0, 0)


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
