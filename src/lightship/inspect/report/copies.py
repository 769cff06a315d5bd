"""Files with the same content at several paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lightship.inspect.report.model import Copies
from lightship.inspect.report.surface import Placed, Surface

_SMALLEST = 1 << 16
"""Bytes; below this, copies are licences and empty tables, and not worth a word."""


def find_copies(surface: Surface) -> tuple[Copies, ...]:
    """Compare files of one size; those that waste most come first."""
    sizes: dict[int, list[Placed]] = defaultdict(list)
    for placed in surface.files:
        if placed.size >= _SMALLEST:
            sizes[placed.size].append(placed)
    found = [
        Copies(size, paths)
        for size, candidates in sizes.items()
        if len(candidates) > 1
        for paths in _same(surface, candidates)
    ]
    return tuple(sorted(found, key=lambda each: (-each.size * (len(each.paths) - 1), each.paths)))


def _same(surface: Surface, candidates: Iterable[Placed]) -> list[tuple[str, ...]]:
    digests: dict[bytes, list[str]] = defaultdict(list)
    for placed in candidates:
        digests[surface.digest(placed.layer, placed.member)].append(placed.path)
    return [tuple(sorted(paths)) for paths in digests.values() if len(paths) > 1]
