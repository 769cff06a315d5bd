"""Which wheels share a layer.

Big wheels have layers of their own, so that each is stored once however many images have it. Small ones
share a few buckets, chosen by a stable hash of the name: one added package changes one bucket, and an image
stays far below the 127 layers that container runtimes mount.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from lightship.wheels.model import LockedWheel

GIANT = 50_000_000
ALONE = 1_000_000
"""Archive size in bytes from which a wheel has a layer of its own."""
MOST_ALONE = 64
BUCKETS = 16
MOST_ALONE_OF_TARGET, BUCKETS_OF_TARGET = 4, 4
"""For what only a target has, over all of production's layers."""


def layer_wheels(
    wheels: Iterable[LockedWheel], most_alone: int = MOST_ALONE, how_many: int = BUCKETS
) -> tuple[tuple[LockedWheel, ...], ...]:
    """Group wheels into layers: giants first, then big ones, then buckets, each by name."""
    by_size = sorted(wheels, key=lambda wheel: (-wheel.size, wheel.name))
    alone = [wheel for wheel in by_size[:most_alone] if wheel.size >= ALONE]
    giants = [wheel for wheel in alone if wheel.size >= GIANT]
    big = [wheel for wheel in alone if wheel.size < GIANT]
    buckets: dict[int, list[LockedWheel]] = {}
    for wheel in by_size[len(alone) :]:
        buckets.setdefault(bucket(wheel.name, how_many), []).append(wheel)
    return (
        *((wheel,) for wheel in sorted(giants)),
        *((wheel,) for wheel in sorted(big)),
        *(tuple(sorted(buckets[number])) for number in sorted(buckets)),
    )


def bucket(name: str, buckets: int = BUCKETS) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % buckets
