"""Advisories in the OSV format (ossf.github.io/osv-schema, 1.7): one, a list of them, or a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lightship.errors import UsageError
from lightship.inspect.checks.vulnerabilities import Advisory, rating, rating_of_score, worst
from lightship.inspect.cvss import base_score
from lightship.inspect.findings import Severity
from lightship.inspect.packages import PYPI, Package

_SEE = "give OSV documents: a .json file with one or a list, or a folder of them"


class _Named(msgspec.Struct, frozen=True):
    name: str
    ecosystem: str


class _Event(msgspec.Struct, frozen=True):
    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""

    @property
    def at(self) -> str:
        return self.introduced or self.fixed or self.last_affected or "0"


class _Range(msgspec.Struct, frozen=True):
    type: str
    events: tuple[_Event, ...] = ()


class _Severity(msgspec.Struct, frozen=True):
    score: str = ""


class _Affected(msgspec.Struct, frozen=True):
    package: _Named | None = None
    severity: tuple[_Severity, ...] | None = None
    ranges: tuple[_Range, ...] | None = None
    versions: tuple[str, ...] | None = None
    ecosystem_specific: dict[str, Any] | None = None


class Document(msgspec.Struct, frozen=True):
    """What counts of an OSV document."""

    id: str
    summary: str = ""
    withdrawn: str | None = None
    aliases: tuple[str, ...] | None = None
    upstream: tuple[str, ...] | None = None
    severity: tuple[_Severity, ...] | None = None
    affected: tuple[_Affected, ...] | None = None
    database_specific: dict[str, Any] | None = None

    def advisory(self, package: Package) -> Advisory:
        """Say what it says of a package."""
        about = [item for item in self.affected or () if _is_about(item, package)]
        affected = next((item for item in about if _is_affected(item, package)), (*about, _Affected())[0])
        fixed, severity = _fixed(affected, package), self._severity(affected)
        return Advisory(package, self.id, self.summary, fixed, tuple(self._aliases()), severity)

    def affects(self, package: Package) -> bool:
        """Compare versions as the schema says (its section "Evaluation")."""
        return not self.withdrawn and any(
            _is_about(item, package) and _is_affected(item, package) for item in self.affected or ()
        )

    def _aliases(self) -> Iterator[str]:
        """Yield its other names: what it takes over from is one, unless it takes over several together."""
        yield from self.aliases or ()
        if self.upstream is not None and len(self.upstream) == 1:
            yield self.upstream[0]
        if self.id.startswith("DEBIAN-"):
            yield self.id.removeprefix("DEBIAN-")

    def _severity(self, affected: _Affected) -> Severity | None:
        """Weigh as the database does, else by CVSS; a vector of version 4 alone says nothing here."""
        own = affected.ecosystem_specific or {}
        labels = ((self.database_specific or {}).get("severity"), own.get("urgency"), own.get("severity"))
        told = (rating(label) for label in labels if isinstance(label, str))
        if (found := next((severity for severity in told if severity), None)) is not None:
            return found
        scores = (item.score for item in affected.severity or self.severity or ())
        return worst(rating(score) or rating_of_score(base_score(score)) for score in scores)


@dataclass(frozen=True, slots=True)
class OsvFiles:
    """Advisories of files about PyPI's distributions and Debian's and Ubuntu's source packages."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def about(self, packages: Sequence[Package]) -> list[Advisory]:
        """Give those that are not withdrawn, and that affect a package.

        Raises:
            UsageError: if there is no such file, or it is no advisory.

        """
        by_name: dict[str, list[Package]] = {}
        for package in packages:
            by_name.setdefault(package.name, []).append(package)
        return [
            document.advisory(package)
            for document in self._documents()
            for name in {_name(affected) for affected in document.affected or ()}
            for package in by_name.get(name, ())
            if document.affects(package)
        ]

    def _documents(self) -> Iterator[Document]:
        paths = sorted(self.path.rglob("*.json")) if self.path.is_dir() else [self.path]
        for path in paths:
            try:
                yield from _decode(path.read_bytes())
            except OSError as error:
                raise UsageError(f"cannot be read: {error.strerror}", where=str(path), hint=_SEE) from error
            except msgspec.DecodeError as error:
                raise UsageError(f"not an advisory: {error}", where=str(path), hint=_SEE) from error


def _decode(data: bytes) -> tuple[Document, ...]:
    if data.lstrip().startswith(b"["):
        return msgspec.json.decode(data, type=tuple[Document, ...])
    return (msgspec.json.decode(data, type=Document),)


def _name(affected: _Affected) -> str:
    """Name what is affected: distributions by their normalised name."""
    package = affected.package
    if package is None:
        return ""
    return canonicalize_name(package.name) if package.ecosystem.split(":")[0] == PYPI else package.name


def _is_about(affected: _Affected, package: Package) -> bool:
    """Compare names and ecosystems; one without a release is about every release."""
    told = affected.package.ecosystem if affected.package else ""
    own = package.ecosystem
    within = own and (told == own or (":" not in told and own.startswith(f"{told}:")))
    return bool(within) and _name(affected) == package.name


def _fixed(affected: _Affected, package: Package) -> str:
    """Give the first version above the installed one in which it is mended."""
    read = _reader(package)
    try:
        version = read(package.version)
        fixed = [event.fixed for item in _ranges(affected) for event in item.events if event.fixed]
        return min((text for text in fixed if read(text) > version), key=read, default="")
    except (InvalidVersion, ValueError):
        return ""


def _is_affected(affected: _Affected, package: Package) -> bool:
    if package.version in (affected.versions or ()):
        return True
    try:
        read = _reader(package)
        return any(_is_within(item.events, package.version, read) for item in _ranges(affected))
    except (InvalidVersion, ValueError):
        return False


def _ranges(affected: _Affected) -> Iterator[_Range]:
    """Yield those of versions; others are of commits."""
    yield from (item for item in affected.ranges or () if item.type == "ECOSYSTEM")


def _reader(package: Package) -> Callable[[str], Any]:
    return Version if package.ecosystem == PYPI else _debian


def _debian(text: str) -> Any:
    """Read a version as dpkg orders it (deb-version(7))."""
    from debian.debian_support import NativeVersion

    return NativeVersion(text)


def _is_within(events: Iterable[_Event], text: str, read: Callable[[str], Any]) -> bool:
    """Follow the events in the order of their versions; "0" stands for before every version."""
    version, within = read(text), False
    for event in sorted(events, key=lambda event: (event.at != "0", read(event.at))):
        if event.introduced and (event.at == "0" or version >= read(event.at)):
            within = True
        if (event.fixed and version >= read(event.at)) or (event.last_affected and version > read(event.at)):
            within = False
    return within
