"""Paths that two wheels write: the later one's file is what the image shows, as with pip."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.digest import of_value
from lightship.plan.model import Plan, WheelsLayer
from lightship.wheels.archive import open_wheel
from lightship.wheels.install import Environment, installed
from lightship.wheels.model import LockedWheel


def conflict_notes(plan: Plan, home: Home) -> tuple[str, ...]:
    """Say in words which wheels write the same paths; silent about wheels that are not fetched yet."""
    layers = [layer for layer in plan.layers if isinstance(layer, WheelsLayer)]
    fetched = [
        (layer, wheel)
        for layer in layers
        for wheel in layer.wheels
        if (home.archives / "sha256" / wheel.sha256).is_file()
    ]
    if not fetched:
        return ()
    memo = Memo(home.cache / "conflicts")
    key = of_value([(layer.prefix, layer.python, wheel.sha256) for layer, wheel in fetched])
    return memo.get_or_make(key, tuple[str, ...], lambda: tuple(_notes(fetched, home)))


def _notes(fetched: list[tuple[WheelsLayer, LockedWheel]], home: Home) -> Iterator[str]:
    owners: dict[str, LockedWheel] = {}
    shared: dict[tuple[LockedWheel, LockedWheel], list[str]] = {}
    for layer, wheel in fetched:
        for path in _written(layer, wheel, home):
            if path in owners:
                shared.setdefault((owners[path], wheel), []).append(path)
            owners[path] = wheel
    for (loser, winner), paths in shared.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        names = f"{loser.name} {loser.version} and {winner.name} {winner.version}"
        yield f"{names} both write /{paths[0]}{more}: the file of {winner.name}, the later one, is kept"


def _written(layer: WheelsLayer, wheel: LockedWheel, home: Home) -> list[str]:
    """List the paths that a wheel installs, each once; remembered, for a big wheel has many thousand."""
    key = of_value([layer.prefix, layer.python, wheel.sha256])
    return Memo(home.cache / "paths").get_or_make(key, list[str], lambda: _read_paths(layer, wheel, home))


def _read_paths(layer: WheelsLayer, wheel: LockedWheel, home: Home) -> list[str]:
    with (home.archives / "sha256" / wheel.sha256).open("rb") as stream:
        archive = open_wheel(stream, name=wheel.filename)
        entries = installed(archive, wheel, Environment(layer.prefix, layer.python))
        return list(dict.fromkeys(entry.path for entry in entries))
