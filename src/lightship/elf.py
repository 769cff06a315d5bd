"""ELF files: what they need, and where the dynamic loader finds it (ld.so(8), System V gABI chapter 5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import msgspec

from lightship.errors import IntegrityError

MAGIC = b"\x7fELF"
_DF_1_PIE = 0x08000000


class ElfInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of an ELF file matters to loading it; `machine` as in elf.h without `EM_`, such as `X86_64`."""

    machine: str
    bits: int
    is_executable: bool = False
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


def read_elf(stream: BinaryIO, *, where: str = "") -> ElfInfo | None:
    """Read a seekable file from its beginning; None if it is no ELF file, or only an object file.

    Raises:
        IntegrityError: it begins as an ELF file, and is damaged.

    """
    if stream.read(4) != MAGIC:
        return None
    from elftools.common.exceptions import ELFError
    from elftools.construct.core import ConstructError
    from elftools.elf.elffile import ELFFile

    stream.seek(0)
    try:
        return _read(ELFFile(stream))
    except (ELFError, ConstructError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise IntegrityError(f"a damaged ELF file: {error}", where=where) from error


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
