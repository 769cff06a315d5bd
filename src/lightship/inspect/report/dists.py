"""Python distributions of an image (PyPA: "Recording installed projects"), and what they require."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import HeaderParser

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lightship.build.imagetree import ImageTree
from lightship.inspect.markers import marker_environment

PACKAGE_FOLDERS = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Dist:
    """An installed distribution: `info` is its `.dist-info`, `paths` the real paths of RECORD.

    `extras` are those that it offers. `requested` says that an installer was asked for it by name (PEP 376).
    """

    info: str
    name: str
    version: str
    summary: str
    requested: bool
    requires: tuple[Requirement, ...] = field(repr=False)
    extras: tuple[str, ...] = field(repr=False)
    paths: frozenset[str] = field(repr=False)

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.info)

    @property
    def key(self) -> str:
        """The name as indexes compare it (PEP 503)."""
        return canonicalize_name(self.name)


def read_dists(tree: ImageTree, paths: Iterable[str]) -> list[Dist]:
    """Read every distribution whose METADATA is among `paths`, in their order."""
    return [
        _dist(tree, info)
        for info, name in map(posixpath.split, paths)
        if name == "METADATA"
        and info.endswith(".dist-info")
        and posixpath.basename(posixpath.dirname(info)) in PACKAGE_FOLDERS
    ]


def _dist(tree: ImageTree, info: str) -> Dist:
    fields = HeaderParser().parsestr(tree.text(f"{info}/METADATA"))
    requires = [_requirement(str(value)) for value in fields.get_all("Requires-Dist", [])]
    fallback = posixpath.basename(info).removesuffix(".dist-info").partition("-")
    return Dist(
        info,
        str(fields["Name"] or fallback[0]),
        str(fields["Version"] or fallback[2]),
        str(fields["Summary"] or ""),
        tree.data(f"{info}/REQUESTED") is not None,
        tuple(item for item in requires if item is not None),
        tuple(str(value) for value in fields.get_all("Provides-Extra", [])),
        frozenset(_recorded(tree, info)),
    )


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:  # old distributions have forms that no installer heeds any more
        return None


def _recorded(tree: ImageTree, info: str) -> Iterator[str]:
    """Yield what RECORD lists; its paths start from the folder above, and may lead out of it."""
    folder = posixpath.dirname(info)
    for row in csv.reader(tree.text(f"{info}/RECORD").splitlines()):
        if row:
            yield posixpath.normpath(posixpath.join("/", folder, row[0])).lstrip("/")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for by name: `where` the requirement stands, such as `requirements.txt:3`."""

    where: str
    extras: frozenset[str] = frozenset()


def requirements(dists: Collection[Dist], asked: Mapping[str, Asked], machine: str) -> dict[str, set[str]]:
    """Say which distributions each requires: `info` folders by `info` folder.

    Args:
        dists: what is installed.
        asked: what is known to be asked for, by normalised name.
        machine: what `uname -m` says in the image, for environment markers (PEP 508).

    """
    return _Resolver(dists, asked, machine).edges()


class _Resolver:
    """Follows requirements, and the extras that they ask for, until nothing new is asked for."""

    def __init__(self, dists: Collection[Dist], asked: Mapping[str, Asked], machine: str) -> None:
        self._dists = dists
        self._machine = machine
        self._places = {(dist.folder, dist.key): dist for dist in dists}
        self._names = {dist.key: dist for dist in reversed(list(dists))}
        self._asked = asked
        self._extras: dict[str, set[str]] = {dist.info: set() for dist in dists}
        for dist in dists:
            if dist.key in asked:
                self._extras[dist.info] |= asked[dist.key].extras

    def edges(self) -> dict[str, set[str]]:
        found = self._follow()
        for dist, extra in self._implied(found):
            self._extras[dist.info].add(extra)
        return self._follow()

    def _follow(self) -> dict[str, set[str]]:
        while True:
            before = sum(map(len, self._extras.values()))
            found = {dist.info: set(self._required(dist)) - {dist.info} for dist in self._dists}
            if sum(map(len, self._extras.values())) == before:
                return found

    def _required(self, dist: Dist) -> Iterator[str]:
        for requirement in dist.requires:
            target = self._find(dist, requirement.name)
            if target is not None and self._holds(dist, requirement, self._extras[dist.info]):
                self._extras[target.info] |= set(map(canonicalize_name, requirement.extras))
                yield target.info

    def _implied(self, edges: Mapping[str, set[str]]) -> Iterator[tuple[Dist, str]]:
        """Yield extras that somebody must have asked for: all they need is there, and explains an orphan."""
        required = {target for targets in edges.values() for target in targets}
        orphans = {
            dist.info for dist in self._dists if dist.info not in required and dist.key not in self._asked
        }
        for dist in self._dists:
            for extra in map(canonicalize_name, dist.extras):
                needed = [item for item in dist.requires if self._is_for(dist, item, extra)]
                targets = [self._find(dist, item.name) for item in needed]
                if all(targets) and any(item.info in orphans - {dist.info} for item in targets if item):
                    yield dist, extra

    def _is_for(self, dist: Dist, requirement: Requirement, extra: str) -> bool:
        return self._holds(dist, requirement, {extra}) and not self._holds(dist, requirement, set())

    def _find(self, dist: Dist, name: str) -> Dist | None:
        key = canonicalize_name(name)
        return self._places.get((dist.folder, key)) or self._names.get(key)

    def _holds(self, dist: Dist, requirement: Requirement, extras: Collection[str]) -> bool:
        if requirement.marker is None:
            return True
        environment = marker_environment(dist.info, self._machine)
        try:
            return any(
                requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
            )
        except UndefinedEnvironmentName:
            return True
