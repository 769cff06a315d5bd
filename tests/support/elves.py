"""Small ELF files with a dynamic section, for a machine with 64 bits."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

X86_64 = 62
AARCH64 = 183
_HEADER, _SEGMENT = 64, 56
_TAGS = {"needed": 1, "soname": 14, "rpath": 15, "runpath": 29}


def elf(
    needed: Sequence[str] = (),
    *,
    soname: str = "",
    rpath: str = "",
    runpath: str = "",
    interpreter: str = "",
    machine: int = X86_64,
    kind: int = 3,
    flags_1: int = 0,
    versions: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """Write headers, segments, strings and the dynamic section (System V gABI, chapters 4 and 5).

    `versions` are those of symbols that it wants of libraries, and under "" its own (Linux Standard Base,
    core, chapter 10.7).
    """
    wants = {library: texts for library, texts in (versions or {}).items() if library}
    defines = (versions or {}).get("", ())
    strings = b"\0"
    tags: list[tuple[int, int]] = []
    texts = [("needed", name) for name in needed]
    texts += [("soname", soname), ("rpath", rpath), ("runpath", runpath)]
    for name, text in texts:
        if text:
            tags.append((_TAGS[name], len(strings)))
            strings += text.encode() + b"\0"
    place: dict[str, int] = {}
    wanted = (version for group in wants.values() for version in group)
    for text in dict.fromkeys((*wants, *wanted, *defines)):
        place[text] = len(strings)
        strings += text.encode() + b"\0"
    needed_versions, own_versions = _wanted(wants, place), _defined(defines, place)
    interpreter_bytes = interpreter.encode() + b"\0" if interpreter else b""
    count = 2 + bool(interpreter)
    strings_at = _HEADER + count * _SEGMENT
    interpreter_at = strings_at + len(strings)
    needed_at = -(-(interpreter_at + len(interpreter_bytes)) // 8) * 8
    own_at = needed_at + len(needed_versions)
    dynamic_at = -(-(own_at + len(own_versions)) // 8) * 8
    tags += [(0x6FFFFFFE, needed_at), (0x6FFFFFFF, len(wants))] if wants else []
    tags += [(0x6FFFFFFC, own_at), (0x6FFFFFFD, len(defines))] if defines else []
    tags += [(0x6FFFFFFB, flags_1)] if flags_1 else []
    tags += [(5, strings_at), (10, len(strings)), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in tags)
    size = dynamic_at + len(dynamic)
    segments = [(1, 0, size), (2, dynamic_at, len(dynamic))]
    if interpreter:
        segments.append((3, interpreter_at, len(interpreter_bytes)))
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, 0, _HEADER, 0, 0, _HEADER, _SEGMENT, count, 64, 0, 0
    )
    table = b"".join(
        struct.pack("<IIQQQQQQ", kind_, 5, at, at, at, length, length, 8) for kind_, at, length in segments
    )
    tables = (head + table + strings + interpreter_bytes).ljust(needed_at, b"\0") + needed_versions
    return (tables + own_versions).ljust(dynamic_at, b"\0") + dynamic


def _wanted(wants: Mapping[str, Sequence[str]], place: Mapping[str, int]) -> bytes:
    data = b""
    for number, (library, versions) in enumerate(wants.items(), 1):
        size = 16 + 16 * len(versions)
        data += struct.pack(
            "<HHIII", 1, len(versions), place[library], 16, size if number < len(wants) else 0
        )
        for index, version in enumerate(versions, 1):
            data += struct.pack("<IHHII", 0, 0, 2, place[version], 16 if index < len(versions) else 0)
    return data


def _defined(defines: Sequence[str], place: Mapping[str, int]) -> bytes:
    data = b""
    for number, version in enumerate(defines, 1):
        data += struct.pack("<HHHHIII", 1, 0, number, 1, 0, 20, 28 if number < len(defines) else 0)
        data += struct.pack("<II", place[version], 0)
    return data


ALLOC = 2
"""Of a section that is loaded (SHF_ALLOC)."""
DATA = elf(["libc.so.6"], soname="lib.so", rpath="$ORIGIN")
SYMBOLS, STRINGS = b"s" * 480, b"t" * 3001


def _section(name: int, kind: int, offset: int, size: int, flags: int = 0, link: int = 0) -> bytes:
    address, entry = (offset if flags else 0), (24 if kind == 2 else 0)
    return struct.pack("<IIQQQQIIQQ", name, kind, flags, address, offset, size, link, 0, 1, entry)


def debug_library(data: bytes = DATA, *, behind: bytes = b"", late: int = 0) -> bytes:
    """Give a library sections as linkers do: one that is loaded, symbols, their names, the sections' names.

    `behind` is written after everything that a section describes; `late` has the symbols loaded.
    """
    names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    at = len(data)
    table_at = -(-(at + len(SYMBOLS) + len(STRINGS) + len(names)) // 8) * 8
    sections = [
        bytes(64),
        _section(names.index(b".text"), 1, 64, 200, ALLOC),
        _section(names.index(b".symtab"), 2, at, len(SYMBOLS), late, 3),
        _section(names.index(b".strtab"), 3, at + len(SYMBOLS), len(STRINGS)),
        _section(names.index(b".shstrtab"), 3, at + len(SYMBOLS) + len(STRINGS), len(names)),
    ]
    head = bytearray(data)
    struct.pack_into("<Q", head, 40, table_at)
    struct.pack_into("<HHH", head, 58, 64, len(sections), 4)
    body = bytes(head) + SYMBOLS + STRINGS + names
    return body.ljust(table_at, b"\0") + b"".join(sections) + behind
