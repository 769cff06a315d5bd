"""Advisories in the OSV format (ossf.github.io/osv-schema, 1.6): one, a list of them, or a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lightship.errors import UsageError
from lightship.inspect.checks.vulnerabilities import Advisory, Package

_SEE = "give OSV documents: a .json file with one or a list, or a folder of them"


class _Named(msgspec.Struct, frozen=True):
    name: str
    ecosystem: str


class _Event(msgspec.Struct, frozen=True):
    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""


class _Range(msgspec.Struct, frozen=True):
    type: str
    events: tuple[_Event, ...] = ()


class _Affected(msgspec.Struct, frozen=True):
    package: _Named | None = None
    ranges: tuple[_Range, ...] = ()
    versions: tuple[str, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    id: str
    summary: str = ""
    withdrawn: str | None = None
    affected: tuple[_Affected, ...] = ()


@dataclass(frozen=True, slots=True)
class OsvFiles:
    """Advisories of files; those that were withdrawn, or are not about PyPI, do not count."""

    path: Path

    def about(self, packages: Sequence[Package]) -> list[Advisory]:
        """Compare versions as the schema says (its section "Evaluation").

        Raises:
            UsageError: if there is no such file, or it is no advisory.

        """
        by_name: dict[str, list[Package]] = {}
        for package in packages:
            by_name.setdefault(package.name, []).append(package)
        return [
            Advisory(package.name, document.id, document.summary, _fixed(affected))
            for document in self._documents()
            for affected in document.affected
            for package in by_name.get(_name(affected), ())
            if not document.withdrawn and _is_affected(affected, package.version)
        ]

    def _documents(self) -> Iterator[_Document]:
        paths = sorted(self.path.rglob("*.json")) if self.path.is_dir() else [self.path]
        for path in paths:
            try:
                yield from _decode(path.read_bytes())
            except OSError as error:
                raise UsageError(f"cannot be read: {error.strerror}", where=str(path), hint=_SEE) from error
            except msgspec.DecodeError as error:
                raise UsageError(f"not an advisory: {error}", where=str(path), hint=_SEE) from error


def _decode(data: bytes) -> tuple[_Document, ...]:
    if data.lstrip().startswith(b"["):
        return msgspec.json.decode(data, type=tuple[_Document, ...])
    return (msgspec.json.decode(data, type=_Document),)


def _name(affected: _Affected) -> str:
    package = affected.package
    return canonicalize_name(package.name) if package and package.ecosystem.split(":")[0] == "PyPI" else ""


def _fixed(affected: _Affected) -> str:
    return next((event.fixed for item in affected.ranges for event in item.events if event.fixed), "")


def _is_affected(affected: _Affected, text: str) -> bool:
    if text in affected.versions:
        return True
    try:
        version = Version(text)
        return any(_is_within(item.events, version) for item in affected.ranges if item.type == "ECOSYSTEM")
    except InvalidVersion:
        return False


def _is_within(events: Iterable[_Event], version: Version) -> bool:
    """Follow the events in the order of their versions."""
    within = False
    for event in sorted(events, key=_place):
        at = event.introduced or event.fixed or event.last_affected
        if event.introduced and (at == "0" or version >= Version(at)):
            within = True
        if (event.fixed and version >= Version(at)) or (event.last_affected and version > Version(at)):
            within = False
    return within


def _place(event: _Event) -> Version:
    return Version(event.introduced or event.fixed or event.last_affected or "0")
