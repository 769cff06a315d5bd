"""`/etc/ld.so.cache`, format glibc-ld.so.cache1.1 (glibc, sysdeps/generic/dl-cache.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from lightship.platform import Platform

_MAGIC = b"glibc-ld.so.cache1.1"
_LITTLE_ENDIAN = 2
# magic and version, count, length of strings, flags, padding, offset of extensions, unused
_HEADER = struct.Struct("<20sIIB3xI12x")
# flags, offset of the soname, offset of the path, unused, hwcap
_ENTRY = struct.Struct("<iIIIQ")
# FLAG_ELF_LIBC6 with FLAG_X8664_LIB64 or FLAG_AARCH64_LIB64
_FLAGS = {"amd64": 0x0303, "arm64": 0x0A03}


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library: what programs ask for (its soname), and the absolute path that it lies at."""

    soname: str
    path: str


def write_cache(libraries: Iterable[Library], platform: Platform) -> bytes:
    """Serialise the cache; of libraries with one soname, the first given is found first."""
    ordered = sorted(libraries, key=lambda library: order(library.soname), reverse=True)  # stable
    strings = b"".join(f"{each.soname}\0{each.path}\0".encode() for each in ordered)
    offset = _HEADER.size + _ENTRY.size * len(ordered)
    entries = []
    for each in ordered:
        value = offset + len(each.soname.encode()) + 1
        entries.append(_ENTRY.pack(_FLAGS[platform.debian], offset, value, 0, 0))
        offset = value + len(each.path.encode()) + 1
    header = _HEADER.pack(_MAGIC, len(ordered), len(strings), _LITTLE_ENDIAN, 0)
    return header + b"".join(entries) + strings


def order(name: str) -> list[tuple[int, int]]:
    """Sort key like `_dl_cache_libcmp`, by which the loader searches: numbers by value, above all letters."""
    key: list[tuple[int, int]] = []
    digits = ""
    for character in f"{name}\0":
        if character in "0123456789":
            digits += character
            continue
        if digits:
            key.append((1, int(digits)))
            digits = ""
        key.append((0, ord(character)))
    return key
