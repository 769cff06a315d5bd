"""What is known of a layer that need not be unpacked: its listing, its scan, what checks ask of its files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lightship.build.layerstore import StoredMember
from lightship.decoders import from_msgpack
from lightship.digest import Digest, hex_of
from lightship.fs.atomic import write_bytes
from lightship.inspect.scan import VERSION, LayerScan

_RULES = f"{VERSION}.1"
"""Part of the file's name: raised, behind the scans' own version, when facts come to hold something else."""


class LayerFacts(msgspec.Struct, frozen=True):
    """Facts of a layer; of its files by their number in the listing.

    `unpacked` is the size of its tar in bytes; `digests` are SHA-256 of the files of which the scan has none,
    `texts` small files that checks read, `hashes` those of sources, by the first four bytes of the bytecode
    that may be made of them.
    """

    unpacked: int
    members: tuple[StoredMember, ...]
    scan: LayerScan
    digests: dict[int, bytes]
    texts: dict[int, bytes]
    hashes: dict[int, dict[bytes, bytes]]

    def digest(self, number: int) -> bytes:
        """Give the SHA-256 of a file."""
        return self.scan.digests.get(number) or self.digests[number]


def load_facts(diff_id: Digest, *, cache: Path) -> LayerFacts | None:
    """Return what the cache has of a layer; None where there is nothing, or it is damaged."""
    try:
        return from_msgpack(_place(diff_id, cache).read_bytes(), LayerFacts)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def has_facts(diff_id: Digest, *, cache: Path) -> bool:
    """Tell whether the cache has something of a layer."""
    return _place(diff_id, cache).is_file()


def save_facts(diff_id: Digest, facts: LayerFacts, *, cache: Path) -> None:
    """Remember facts.

    Raises:
        StageError: the cache cannot be written.

    """
    write_bytes(_place(diff_id, cache), msgspec.msgpack.encode(facts))


def _place(diff_id: Digest, cache: Path) -> Path:
    return cache / "facts" / f"{hex_of(diff_id)}-{_RULES}"
