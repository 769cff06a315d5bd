"""Which paths a wheel installs; remembered, for a big wheel has many thousand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.digest import of_value
from lightship.plan.model import WheelsLayer
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedWheel
from lightship.wheels.trim import rules_named


def written_paths(layer: WheelsLayer, wheel: LockedWheel, home: Home) -> list[str]:
    """List the paths in the image, each once; the wheel's archive must be fetched."""
    key = of_value(what_is_written(layer, wheel))
    return Memo(home.cache / "paths").get_or_make(key, list[str], lambda: _read_paths(layer, wheel, home))


def what_is_written(layer: WheelsLayer, wheel: LockedWheel) -> list[object]:
    """Give what decides the paths that a wheel installs."""
    rules = [rule.essence() for rule in rules_named(layer.trim) if rule.concerns(wheel.name)]
    kept = [layer.keep[wheel.name]] if wheel.name in layer.keep else []
    return [layer.prefix, layer.python, wheel.sha256, rules, *kept]


def archive_path(home: Home, sha256: str) -> Path:
    return home.archives / "sha256" / sha256


def fetched_of(home: Home, digests: Iterable[str]) -> frozenset[str]:
    """Tell which archives are here, by SHA-256; every build asks for hundreds."""
    folder = archive_path(home, "")
    # Path.is_file() takes five times as long.
    return frozenset(each for each in digests if os.path.isfile(f"{folder}/{each}"))  # noqa: PTH113


def _read_paths(layer: WheelsLayer, wheel: LockedWheel, home: Home) -> list[str]:
    from lightship.wheels.archive import open_wheel
    from lightship.wheels.install import installed

    with archive_path(home, wheel.sha256).open("rb") as stream:
        archive = open_wheel(stream, name=wheel.filename)
        environment = Environment(layer.prefix, layer.python)
        entries = installed(archive, wheel, environment, layer.trimmer(wheel.name))
        return list(dict.fromkeys(entry.path for entry in entries))
