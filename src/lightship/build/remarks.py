"""What a person should know of the archives of a plan, said as soon as they are fetched."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.written import archive_path, fetched_of, what_is_written, written_paths
from lightship.debs.model import LockedDeb
from lightship.digest import of_value
from lightship.plan.model import Plan, WheelsLayer
from lightship.wheels.model import LockedWheel

RULES = 3
"""Part of every key: raised when what is remarked on changes."""


def remarks(plan: Plan, home: Home) -> tuple[str, ...]:
    """Say which wheels write the same paths, and which packages count on a script that is not run.

    Silent about archives that are not fetched yet.
    """
    return (*_conflicts(plan, home), *_scripts(plan, home))


def _scripts(plan: Plan, home: Home) -> tuple[str, ...]:
    here = fetched_of(home, (deb.sha256 for deb in plan.debs))
    fetched = [deb for deb in plan.debs if deb.sha256 in here]
    key = of_value(["scripts", RULES, [deb.sha256 for deb in fetched]])
    return Memo(home.cache / "remarks").get_or_make(
        key, tuple[str, ...], lambda: tuple(_script_notes(fetched, home))
    )


def _script_notes(fetched: list[LockedDeb], home: Home) -> Iterator[str]:
    from lightship.debs.scripts import script_warnings

    for finding in script_warnings([(deb, archive_path(home, deb.sha256)) for deb in fetched]):
        yield f"{finding.package} counts on a maintainer script, and none is run: {finding.reason}"


def _conflicts(plan: Plan, home: Home) -> tuple[str, ...]:
    """Find paths that two wheels write: the later one's file is what the image shows, as with pip."""
    layers = [layer for layer in plan.layers if isinstance(layer, WheelsLayer)]
    here = fetched_of(home, (wheel.sha256 for layer in layers for wheel in layer.wheels))
    fetched = [(layer, wheel) for layer in layers for wheel in layer.wheels if wheel.sha256 in here]
    memo = Memo(home.cache / "remarks")
    key = of_value(["conflicts", RULES, *(what_is_written(layer, wheel) for layer, wheel in fetched)])
    return memo.get_or_make(key, tuple[str, ...], lambda: tuple(_notes(fetched, home)))


def _notes(fetched: list[tuple[WheelsLayer, LockedWheel]], home: Home) -> Iterator[str]:
    owners: dict[str, LockedWheel] = {}
    shared: dict[tuple[LockedWheel, LockedWheel], list[str]] = {}
    for layer, wheel in fetched:
        for path in written_paths(layer, wheel, home):
            if path in owners:
                shared.setdefault((owners[path], wheel), []).append(path)
            owners[path] = wheel
    for (loser, winner), paths in shared.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        names = f"{loser.name} {loser.version} and {winner.name} {winner.version}"
        yield f"{names} both write /{paths[0]}{more}: the file of {winner.name}, the later one, is kept"
