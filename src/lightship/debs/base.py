"""The base layer: locked packages as one deterministic stream of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.fs.entries import Entry
from lightship.platform import Platform


def base_entries(debs: Sequence[tuple[LockedDeb, Path]], *, platform: Platform) -> Iterator[Entry]:
    """Yield the whole tree of a base, each path once, parents first."""
    raise NotImplementedError
