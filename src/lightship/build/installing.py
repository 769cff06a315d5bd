"""The entries of a layer of wheels: what installing them writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lightship.fs.entries import Entry
from lightship.fs.tree import with_parents
from lightship.plan.model import WheelsLayer
from lightship.wheels.archive import WheelArchive, open_wheel
from lightship.wheels.environment import Environment
from lightship.wheels.install import Refiner, installed
from lightship.wheels.model import LockedWheel
from lightship.wheels.strip import strip_library


def install_wheels(layer: WheelsLayer, archives: Mapping[str, Path], stack: ExitStack) -> Iterator[Entry]:
    """Install a layer's wheels from archives, by SHA-256; they stay open until `stack` closes."""
    opened = []
    for wheel in layer.wheels:
        stream = stack.enter_context(archives[wheel.sha256].open("rb"))
        opened.append((open_wheel(stream, name=wheel.filename), wheel))
    return wheel_entries(layer, opened, lambda wheel: _refiner(layer, wheel, archives))


def wheel_entries(
    layer: WheelsLayer,
    opened: Iterable[tuple[WheelArchive, LockedWheel]],
    refiner: Callable[[LockedWheel], Refiner | None],
) -> Iterator[Entry]:
    """Install a layer's wheels, in their order: of two that write one path, the later one wins."""
    environment = Environment(layer.prefix, layer.python)
    streams = [
        list(installed(archive, wheel, environment, layer.trimmer(wheel.name), refiner(wheel)))
        for archive, wheel in opened
    ]
    last = {entry.path: number for number, entries in enumerate(streams) for entry in entries}
    kept = (
        entry
        for number, entries in enumerate(streams)
        for entry in {entry.path: entry for entry in entries}.values()
        if last[entry.path] == number
    )
    return with_parents(kept)


def _refiner(layer: WheelsLayer, wheel: LockedWheel, archives: Mapping[str, Path]) -> Refiner | None:
    if not layer.strip:
        return None
    return partial(strip_library, scratch=archives[wheel.sha256].parent)
