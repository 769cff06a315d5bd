"""Locks as uv reads them for versions to keep, and what they have, to compare with uv's answers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from lightship.net.redact import strip_credentials
from lightship.wheels import toml

Source: TypeAlias = tuple[str, str]
"""A file's URL and digests; or of what no index has, what else it is."""
Contents: TypeAlias = Mapping[tuple[str, str], frozenset[Source]]
"""Where packages are from, by name and version; the version may be empty (PEP 751)."""


class _File(msgspec.Struct, frozen=True):
    url: str = ""
    path: str = ""
    hashes: dict[str, str] = {}


class _Package(msgspec.Struct, frozen=True):
    """What of a package says which one it is; `vcs` and `directory` are what no index has."""

    name: str
    version: str = ""
    wheels: tuple[_File, ...] = ()
    sdist: _File | None = None
    archive: _File | None = None
    vcs: dict[str, Any] | None = None
    directory: dict[str, Any] | None = None

    def sources(self) -> Iterator[Source]:
        for file in (*self.wheels, self.sdist, self.archive):
            if file is not None:
                yield strip_credentials(file.url) or file.path, repr(sorted(file.hashes.items()))
        for source in (self.vcs, self.directory):
            if source is not None:
                yield "", repr(sorted(source.items()))


def preferred(first: str, lock: Path | None) -> str:
    """Write what to prefer: versions of the PEP 751 text `first`, and of a lock those of other packages.

    A lock that is missing or damaged has none.
    """
    packages = tomllib.loads(first).get("packages", [])
    names = {package["name"] for package in packages}
    others = [package for package in _tables(lock) if package["name"] not in names]
    head = {"lock-version": "1.0", "created-by": "lightship"}
    return toml.document({**head, "packages": [*packages, *others]})


def contents_of_lock(lock: Path | None) -> Contents:
    """Say what a lock has; nothing where it is missing or damaged."""
    return _contents(_tables(lock))


def contents_of(texts: Iterable[str]) -> Contents:
    """Say what PEP 751 texts have, all together."""
    return _contents(package for text in texts for package in tomllib.loads(text).get("packages", ()))


def _tables(lock: Path | None) -> list[dict[str, Any]]:
    """Read the packages of a lock as they are written."""
    try:
        tables = tomllib.loads(lock.read_bytes().decode()).get("packages", []) if lock else []
        msgspec.convert(tables, tuple[_Package, ...])
    except (OSError, ValueError):  # msgspec's error is a ValueError, too
        return []
    return list(tables)


def _contents(tables: Iterable[dict[str, Any]]) -> Contents:
    found: dict[tuple[str, str], frozenset[Source]] = {}
    for package in msgspec.convert(list(tables), tuple[_Package, ...]):
        key = (package.name, package.version)
        found[key] = found.get(key, frozenset()).union(package.sources())
    return found
