"""One PEP 751 lock out of the resolutions for several platforms."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from packaging.markers import Marker

from lightship.net.redact import strip_credentials
from lightship.platform import Platform
from lightship.wheels import toml

_Package = dict[str, Any]
_FILES = {"wheels", "sdist", "index"}


def merge_pylocks(texts: Mapping[Platform, str]) -> str:
    """Merge what was resolved for each platform (PEP 751 texts, at least one) into one text.

    A package that is the same everywhere gets the wheels of all platforms; one that is missing on a platform,
    or has another version there, gets a marker on `platform_machine`.
    """
    documents = {platform: clean(tomllib.loads(text)) for platform, text in texts.items()}
    names = {package["name"] for document in documents.values() for package in document["packages"]}
    merged = []
    for name in sorted(names):
        found = {
            platform: [package for package in document["packages"] if package["name"] == name]
            for platform, document in documents.items()
        }
        merged += _merge_package(found)
    return toml.document({**next(iter(documents.values())), "packages": merged})


def clean(document: dict[str, Any]) -> dict[str, Any]:
    """`document` without credentials in its URLs, and sorted, so that equal locks are equal bytes."""
    packages = [_clean_package(package) for package in document.get("packages", [])]
    key = lambda package: (package["name"], package.get("version", ""), package.get("marker", ""))  # noqa: E731
    return {**document, "packages": sorted(packages, key=key)}


def _clean_package(package: _Package) -> _Package:
    cleaned: _Package = clean_value(package)
    if "wheels" in cleaned:
        cleaned["wheels"] = sorted(
            cleaned["wheels"], key=lambda wheel: wheel.get("url") or wheel.get("path", "")
        )
    return cleaned


def clean_value(value: Any) -> Any:
    """Give a part of a lock without credentials in its URLs."""
    if isinstance(value, dict):
        return {
            key: strip_credentials(item) if key in {"url", "index"} else clean_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [clean_value(item) for item in value]
    return value


def _merge_package(found: Mapping[Platform, list[_Package]]) -> list[_Package]:
    groups: dict[str, tuple[_Package, list[Platform]]] = {}
    for platform, packages in found.items():
        for package in packages:
            identity = repr(sorted((key, value) for key, value in package.items() if key not in _FILES))
            merged, platforms = groups.setdefault(identity, (package, []))
            groups[identity] = (_unite(merged, package), [*platforms, platform])
    return [
        package if len(platforms) == len(found) else _restricted(package, platforms)
        for package, platforms in groups.values()
    ]


def _unite(one: _Package, other: _Package) -> _Package:
    """One entry for both: where they came from may differ by platform, what they are does not."""
    one = {**other, **one}
    if "wheels" not in one or "wheels" not in other:
        return one
    wheels = {repr(wheel["hashes"]): wheel for wheel in [*one["wheels"], *other["wheels"]]}
    return {**one, "wheels": list(wheels.values())}


def _restricted(package: _Package, platforms: list[Platform]) -> _Package:
    machines = " or ".join(f"platform_machine == '{platform.machine}'" for platform in platforms)
    marker = _both(machines, package.get("marker", machines))
    # PEP 751's order: the marker stands before the files.
    head = {key: value for key, value in package.items() if key in {"name", "version"}}
    rest = {key: value for key, value in package.items() if key not in {"name", "version", "marker"}}
    return {**head, "marker": marker, **rest}


def _both(one: str, other: str) -> str:
    if Marker(one) == Marker(other):
        return str(Marker(one))
    return str(Marker(f"({one}) and ({other})"))
