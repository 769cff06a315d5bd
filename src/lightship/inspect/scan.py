"""What layers hold that is not in their listing: read once per layer, ever."""

from __future__ import annotations

import _imp
import hashlib
import io
import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import msgspec

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.decoders import from_msgpack
from lightship.digest import hex_of
from lightship.elf import MAGIC, ElfInfo, read_elf
from lightship.errors import IntegrityError
from lightship.fs.atomic import write_bytes
from lightship.fs.entries import Kind
from lightship.inspect import secrets
from lightship.inspect.secrets import Sighting

PACKAGE_FOLDERS = ("site-packages", "dist-packages")
VERSION = "2"
"""Part of the file's name: raised when a scan comes to hold something else."""
_SMALLEST_ELF = 64
_WHOLE = 1 << 20
"""Bytes up to which a file is read at once."""
_COMPILED = re.compile(r"(.*/)?__pycache__/([^/]+)\.cpython-\d+(?:\.opt-\d)?\.pyc")
_WORKERS = 4


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


def scan_layers(layers: Iterable[StoredLayer], *, cache: Path) -> list[LayerScan]:
    """Scan layers side by side, as `scan_layer` does each."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(lambda layer: scan_layer(layer, cache=cache), layers))


def scan_layer(layer: StoredLayer, *, cache: Path) -> LayerScan:
    """Return what the cache has of a layer, else read its files.

    Raises:
        StageError: the cache cannot be written.

    """
    kept = cache / "scans" / f"{hex_of(layer.diff_id)}-{VERSION}"
    try:
        return from_msgpack(kept.read_bytes(), LayerScan)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        scan = LayerScan()
        for member in layer.members:
            if member.kind is Kind.FILE:
                _read(layer.file(member), member, scan)
        _hash_sources(layer, scan)
        write_bytes(kept, msgspec.msgpack.encode(scan))
        return scan


def _read(file: Path, member: StoredMember, scan: LayerScan) -> None:
    """Read a file once, and as little of it as is needed."""
    with file.open("rb") as stream:
        scan.times[member.number] = int(os.fstat(stream.fileno()).st_mtime)
        whole = stream.read() if member.size <= _WHOLE else stream.read(len(MAGIC))
        if member.size >= _SMALLEST_ELF and whole.startswith(MAGIC):
            stream.seek(0)
            source = io.BytesIO(whole) if member.size <= _WHOLE else stream
            if (info := _elf_of(source, member.path)) is not None:
                scan.elf[member.number] = info
        if is_installed(member.path):
            stream.seek(0)
            short = member.size <= _WHOLE
            state = hashlib.sha256(whole) if short else hashlib.file_digest(stream, "sha256")
            scan.digests[member.number] = state.digest()
    if member.path.endswith(".pyc"):
        scan.bytecode[member.number] = Compiled(whole[:16])
    elif member.size <= secrets.LARGEST and (found := secrets.in_file(member.path, whole)):
        scan.sightings[member.number] = found


def source_of(path: str) -> str:
    """Name the source of a `.pyc` (PEP 3147), empty for one that has no tag."""
    found = _COMPILED.fullmatch(path)
    return f"{found[1] or ''}{found[2]}.py" if found else ""


def hash_source(compiled: Compiled, source: bytes) -> bytes:
    """Hash a source as Python 3.11 and newer do for bytecode (importlib.util.source_hash, of any version)."""
    return _imp.source_hash(int.from_bytes(compiled.header[:4], "little"), source)


def _hash_sources(layer: StoredLayer, scan: LayerScan) -> None:
    hashed = {number for number, compiled in scan.bytecode.items() if compiled.is_hashed}
    sources = {item.path: item for item in layer.members if item.kind is Kind.FILE} if hashed else {}
    for path, item in sources.items():
        source = sources.get(source_of(path)) if item.number in hashed else None
        if source is not None:
            compiled = scan.bytecode[item.number]
            found = hash_source(compiled, layer.file(source).read_bytes())
            scan.bytecode[item.number] = Compiled(compiled.header, found)


def is_installed(path: str) -> bool:
    """Tell whether a path is in a folder of installed distributions."""
    return any(f"{folder}/" in path for folder in PACKAGE_FOLDERS)


def _elf_of(stream: BinaryIO, where: str) -> ElfInfo | None:
    try:
        return read_elf(stream, where=where, versions=True)
    except IntegrityError:
        return None  # packages ship broken files to test their own readers with; nothing can load them
