"""What layers hold that is not in their listing: data, and how files' paths and bytes are understood."""

from __future__ import annotations

import _imp
import re

import msgspec

from lightship.elf import ElfInfo
from lightship.inspect.secrets import Sighting

PACKAGE_FOLDERS = ("site-packages", "dist-packages")
VERSION = "2"
"""Raised when a scan comes to hold something else."""
MAGIC_NUMBERS = {8: 3413, 9: 3425, 10: 3439, 11: 3495, 12: 3531, 13: 3571, 14: 3627}
"""The last magic number of bytecode of each Python 3 (CPython's pycore_magic_number.h)."""
HASHED_ALIKE = 11
"""The Python 3 since which sources are hashed as they are here."""
_COMPILED = re.compile(r"(.*/)?__pycache__/([^/]+)\.cpython-\d+(?:\.opt-\d)?\.pyc")


class Compiled(msgspec.Struct, frozen=True, array_like=True):
    """The header of a `.pyc` (PEP 552).

    `source_hash` is what the source in the same layer has under this magic number; empty where there is none.
    """

    header: bytes
    source_hash: bytes = b""

    @property
    def magic(self) -> int:
        return int.from_bytes(self.header[:2], "little")

    @property
    def is_hashed(self) -> bool:
        return bool(self.header[4:5] != b"\0")


class LayerScan(msgspec.Struct, frozen=True):
    """What was read of a layer's files, by their number in its listing.

    `digests` are SHA-256 of what lies in folders of packages, `bytecode` are `.pyc` files,
    `sightings` what looks like a secret. `times` are those of modification, in seconds since 1970.
    """

    elf: dict[int, ElfInfo] = {}
    digests: dict[int, bytes] = {}
    bytecode: dict[int, Compiled] = {}
    sightings: dict[int, tuple[Sighting, ...]] = {}
    times: dict[int, int] = {}


def source_of(path: str) -> str:
    """Name the source of a `.pyc` (PEP 3147), empty for one that has no tag."""
    found = _COMPILED.fullmatch(path)
    return f"{found[1] or ''}{found[2]}.py" if found else ""


def hash_source(compiled: Compiled, source: bytes) -> bytes:
    """Hash a source as Python 3.11 and newer do for bytecode (importlib.util.source_hash, of any version)."""
    return _imp.source_hash(int.from_bytes(compiled.header[:4], "little"), source)


def is_installed(path: str) -> bool:
    """Tell whether a path is in a folder of installed distributions."""
    return any(f"{folder}/" in path for folder in PACKAGE_FOLDERS)
