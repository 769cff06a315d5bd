"""Targets in a lock: what only they install is in dependency groups of their names (PEP 751, PEP 735).

An installer that is told of no group installs what `production` has, and nothing else.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lightship.wheels import toml
from lightship.wheels.layers import TABLE as LAYERS

if TYPE_CHECKING:
    from packaging.markers import Environment

_Package = dict[str, Any]
_GROUPS = "dependency-groups"
_TABLE = "[tool.lightship.target."


def without_packages(pylock_text: str, names: Collection[str]) -> str:
    """Leave packages out of a PEP 751 text, by their normalised names."""
    document = tomllib.loads(pylock_text)
    kept = [package for package in document.get("packages", ()) if package["name"] not in names]
    return toml.document({**document, "packages": kept})


def installed_names(packages: Iterable[Mapping[str, Any]], environment: Environment) -> set[str]:
    """Name the packages of a PEP 751 lock whose markers hold in an environment: that of the target."""
    from packaging.markers import Marker

    here = {key: str(value) for key, value in environment.items()}
    return {
        package["name"]
        for package in packages
        if "marker" not in package or Marker(package["marker"]).evaluate(here)
    }


def add_groups(pylock_text: str, groups: Mapping[str, str]) -> str:
    """Put what only groups have into a PEP 751 text: by group, the text with its packages.

    A package that several groups have alike is there once, or choosing both of them would be ambiguous.
    """
    if not groups:
        return pylock_text
    document = tomllib.loads(pylock_text)
    owners: dict[str, tuple[_Package, list[str]]] = {}
    for group in sorted(groups):
        for package in tomllib.loads(groups[group]).get("packages", ()):
            owners.setdefault(repr(package), (package, []))[1].append(group)
    packages = [_grouped(package, names) for package, names in owners.values()]
    head = {key: value for key, value in document.items() if key != "packages"} | {_GROUPS: sorted(groups)}
    return toml.document({**head, "packages": [*document.get("packages", ()), *packages]})


def part_of(lock_text: str, target: str) -> str:
    """Cut a lock down to what concerns a target: for `production`, the lock as it is without any other.

    So a change of one target is none of another's. Recorded layers are left out: packages decide them.
    """
    blocks = lock_text.rstrip("\n").split("\n\n")
    kept = [_without_groups(block) for block in blocks if _concerns(block, target)]
    return "\n\n".join(kept) + "\n"


def _grouped(package: _Package, groups: list[str]) -> _Package:
    wanted = " or ".join(f"'{group}' in dependency_groups" for group in groups)
    marker = f"({package['marker']}) and ({wanted})" if "marker" in package else wanted
    # PEP 751's order: the marker stands before the files.
    head = {key: value for key, value in package.items() if key in {"name", "version"}}
    rest = {key: value for key, value in package.items() if key not in {"name", "version", "marker"}}
    return {**head, "marker": marker, **rest}


def _concerns(block: str, target: str) -> bool:
    if block.startswith(LAYERS):
        return False
    if block.startswith(_TABLE):
        return block.startswith((f"{_TABLE}{target}]", f"{_TABLE}{target}."))
    markers = [line for line in block.splitlines() if line.startswith("marker = ")]
    if block.startswith("[[packages]]") and any("in dependency_groups" in marker for marker in markers):
        return any(f"'{target}' in dependency_groups" in marker for marker in markers)
    return True


def _without_groups(block: str) -> str:
    if not block.startswith(("#", "lock-version")):
        return block
    return "\n".join(line for line in block.splitlines() if not line.startswith(f"{_GROUPS} = "))
