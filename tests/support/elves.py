"""Small ELF files with a dynamic section, for a machine with 64 bits."""

from __future__ import annotations

import struct
from collections.abc import Sequence

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
) -> bytes:
    """Write headers, segments, strings and the dynamic section (System V gABI, chapters 4 and 5)."""
    strings = b"\0"
    tags: list[tuple[int, int]] = []
    texts = [("needed", name) for name in needed]
    texts += [("soname", soname), ("rpath", rpath), ("runpath", runpath)]
    for name, text in texts:
        if text:
            tags.append((_TAGS[name], len(strings)))
            strings += text.encode() + b"\0"
    interpreter_bytes = interpreter.encode() + b"\0" if interpreter else b""
    count = 2 + bool(interpreter)
    strings_at = _HEADER + count * _SEGMENT
    interpreter_at = strings_at + len(strings)
    dynamic_at = -(-(interpreter_at + len(interpreter_bytes)) // 8) * 8
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
    return (head + table + strings + interpreter_bytes).ljust(dynamic_at, b"\0") + dynamic


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
