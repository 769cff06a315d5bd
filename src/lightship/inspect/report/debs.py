"""Debian packages of an image: dpkg's database, or a file a package as distroless images have it."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from debian.deb822 import Deb822

from lightship.build.imagetree import ImageTree
from lightship.debs.relations import parse_relations
from lightship.errors import ResolutionError

_DATABASE = "var/lib/dpkg"


@dataclass(frozen=True, slots=True)
class Deb:
    """An installed package.

    `paths` are real paths; dpkg's own files about the package are among them. `requires` has alternatives.
    """

    name: str
    version: str
    architecture: str
    summary: str
    requires: tuple[tuple[str, ...], ...] = field(repr=False)
    provides: tuple[str, ...] = field(repr=False)
    paths: frozenset[str] = field(repr=False)


def read_debs(tree: ImageTree) -> list[Deb]:
    """Read what dpkg says is installed, sorted by name; of a damaged stanza, what can be read."""
    files = _Files(tree)
    found = [*_from_status(tree, files), *_from_folder(tree, files)]
    return sorted(found, key=lambda deb: (deb.name, deb.architecture))


def requirements(debs: Collection[Deb]) -> dict[str, set[str]]:
    """Say which packages each depends on, by name: of alternatives, the first that is installed."""
    providers: dict[str, str] = {}
    for deb in debs:
        for name in deb.provides:
            providers.setdefault(name, deb.name)
    providers |= {deb.name: deb.name for deb in debs}
    found: dict[str, set[str]] = {}
    for deb in debs:
        chosen = (
            next((providers[name] for name in group if name in providers), "") for group in deb.requires
        )
        found[deb.name] = {name for name in chosen if name and name != deb.name}
    return found


def _from_status(tree: ImageTree, files: _Files) -> Iterator[Deb]:
    for fields in _stanzas(tree.text(f"{_DATABASE}/status")):
        if fields.get("Status", "").split()[-1:] == ["installed"]:
            name, architecture = fields["Package"], fields.get("Architecture", "")
            yield _deb(fields, files.listed(name, architecture))


def _from_folder(tree: ImageTree, files: _Files) -> Iterator[Deb]:
    folder = f"{_DATABASE}/status.d"
    for name in tree.names(folder):
        if not name.endswith(".md5sums"):
            for fields in _stanzas(tree.text(f"{folder}/{name}")):
                yield _deb(fields, files.summed(f"{folder}/{name}"))


def _stanzas(text: str) -> Iterator[Deb822]:
    found = Deb822.iter_paragraphs(text, use_apt_pkg=False) if text else ()
    return (fields for fields in found if fields.get("Package"))


def _deb(fields: Deb822, paths: frozenset[str]) -> Deb:
    return Deb(
        fields["Package"],
        fields.get("Version", ""),
        fields.get("Architecture", ""),
        fields.get("Description", "").partition("\n")[0],
        (*_names(fields, "Pre-Depends"), *_names(fields, "Depends")),
        tuple(name for group in _names(fields, "Provides") for name in group),
        paths,
    )


def _names(fields: Deb822, key: str) -> list[tuple[str, ...]]:
    try:
        groups = parse_relations(fields.get(key, ""), package=fields["Package"])
    except ResolutionError:
        return []
    return [tuple(relation.name for relation in group) for group in groups]


class _Files:
    """Reads lists of packages' files; they name paths as they were before /usr was merged."""

    def __init__(self, tree: ImageTree) -> None:
        self._tree = tree
        self._real: dict[str, str | None] = {}
        self._info = f"{_DATABASE}/info"
        self._about: dict[str, list[str]] = {}
        for name in tree.names(self._info):
            self._about.setdefault(name.rpartition(".")[0], []).append(f"{self._info}/{name}")

    def listed(self, name: str, architecture: str) -> frozenset[str]:
        """Read `info/NAME.list`, or `NAME:ARCHITECTURE.list` where several may be installed (Multi-Arch)."""
        about = self._about.get(f"{name}:{architecture}") or self._about.get(name, [])
        lines = next((self._tree.text(path).splitlines() for path in about if path.endswith(".list")), [])
        return frozenset([*self._paths(lines), *about])

    def summed(self, status: str) -> frozenset[str]:
        """Read the paths of `status.d/NAME.md5sums`."""
        lines = self._tree.text(f"{status}.md5sums").splitlines()
        paths = (line.partition("  ")[2] for line in lines)
        return frozenset([*self._paths(paths), status, f"{status}.md5sums"])

    def _paths(self, paths: Iterator[str] | list[str]) -> Iterator[str]:
        for path in paths:
            folder, name = posixpath.split(path.strip("/"))
            if folder not in self._real:
                self._real[folder] = self._tree.real(folder)
            real = self._real[folder]
            if real is not None and name:
                yield posixpath.join(real, name)
