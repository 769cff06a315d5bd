"""What layers hold that is not in their listing: read once per layer, ever."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.digest import hex_of
from lightship.elf import ElfInfo, read_elf
from lightship.errors import IntegrityError
from lightship.fs.atomic import write_bytes
from lightship.fs.entries import Kind

_VERSION = "1"
"""Part of the file's name: raised when a scan comes to hold something else."""
_SMALLEST_ELF = 64


class LayerScan(msgspec.Struct, frozen=True):
    """The ELF files of a layer, by their number in its listing."""

    elf: dict[int, ElfInfo]


def scan_layer(layer: StoredLayer, *, cache: Path) -> LayerScan:
    """Return what the cache has of a layer, else read its files.

    Raises:
        StageError: the cache cannot be written.

    """
    kept = cache / "scans" / f"{hex_of(layer.diff_id)}-{_VERSION}"
    try:
        return msgspec.msgpack.decode(kept.read_bytes(), type=LayerScan)
    except (OSError, msgspec.DecodeError):
        scan = LayerScan(dict(_elf_files(layer)))
        write_bytes(kept, msgspec.msgpack.encode(scan))
        return scan


def _elf_files(layer: StoredLayer) -> list[tuple[int, ElfInfo]]:
    candidates = (item for item in layer.members if item.kind is Kind.FILE and item.size >= _SMALLEST_ELF)
    found = ((item.number, _elf_of(layer, item)) for item in candidates)
    return [(number, info) for number, info in found if info is not None]


def _elf_of(layer: StoredLayer, item: StoredMember) -> ElfInfo | None:
    with layer.file(item).open("rb", buffering=4096) as stream:
        try:
            return read_elf(stream, where=item.path)
        except IntegrityError:
            return None  # packages ship broken files to test their own readers with; nothing can load them
