"""Packages indexes, read where they are: 50 MB of text, of which a few stanzas are ever parsed."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from debian.deb822 import Deb822
from debian.debian_support import NativeVersion

from lightship.debs.model import LockedDeb
from lightship.debs.relations import Alternatives, Relation, parse_relations
from lightship.errors import IntegrityError

_PACKAGE = re.compile(rb"\nPackage: ([^\n]+)")
_PROVIDES = re.compile(rb"\nProvides: ([^\n]+)")
_PROVIDED = re.compile(r"\s*([^\s(:,]+)")

Buffer = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Package:
    """What one stanza says, as far as resolving needs it."""

    deb: LockedDeb
    priority: str = "optional"
    depends: tuple[Alternatives, ...] = ()
    provides: tuple[Relation, ...] = ()
    conflicts: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        return self.deb.name

    @property
    def version(self) -> str:
        return self.deb.version

    def provided(self, name: str) -> list[str]:
        """Versions under which this package satisfies `name`; `""` for an unversioned Provides."""
        own = [self.version] if name == self.name else []
        return own + [relation.version for relation in self.provides if relation.name == name]


class PackageIndex:
    """Finds packages by name, or by what they provide, over the Packages texts of several archives."""

    def __init__(self, texts: Sequence[tuple[str, Buffer]]) -> None:
        """Index `(archive, text)` pairs, where archive is what `LockedDeb.archive` will say."""
        self._texts = [_Text(archive, data) for archive, data in texts]

    def names(self) -> Iterator[str]:
        """Every package name, in no order, perhaps twice."""
        for text in self._texts:
            yield from (name.decode() for name in text.packages)

    def candidates(self, name: str) -> list[Package]:
        """Real packages of this name, the newest first; of equal versions the first archive's."""
        key = name.encode()
        found = [text.parse(at) for text in self._texts for at in text.packages.get(key, ())]
        return sorted(found, key=lambda package: NativeVersion(package.version), reverse=True)

    def providers(self, name: str) -> list[Package]:
        """Newest versions of the packages that provide a virtual package, in name order."""
        key = name.encode()
        found = [text.parse(at) for text in self._texts for at in text.provides.get(key, ())]
        newest = {package.name: self.candidates(package.name)[0] for package in found}
        return [newest[other] for other in sorted(newest) if newest[other].provided(name)]


class _Text:
    """One Packages file, with the offsets of its stanzas by name."""

    def __init__(self, archive: str, data: Buffer) -> None:
        self.archive = archive
        self._data = data

    @cached_property
    def packages(self) -> dict[bytes, list[int]]:
        table: dict[bytes, list[int]] = {}
        if self._data[:9] == b"Package: ":
            table[bytes(self._data[9 : self._data.find(b"\n")])] = [0]
        for match in _PACKAGE.finditer(self._data):
            table.setdefault(match[1], []).append(match.start() + 1)
        return table

    @cached_property
    def provides(self) -> dict[bytes, list[int]]:
        table: dict[bytes, list[int]] = {}
        for match in _PROVIDES.finditer(self._data):
            start = self._data.rfind(b"\n\n", 0, match.start()) + 2
            for item in match[1].decode().split(","):
                if name := _PROVIDED.match(item):
                    table.setdefault(name[1].encode(), []).append(start if start > 1 else 0)
        return table

    def parse(self, start: int) -> Package:
        """Read the stanza that begins at `start`.

        Raises:
            IntegrityError: if a field that every stanza has is missing.

        """
        end = self._data.find(b"\n\n", start)
        fields = Deb822(self._data[start : end if end >= 0 else len(self._data)])
        try:
            return _package(fields, self.archive)
        except (KeyError, ValueError) as error:
            where = fields.get("Package", f"stanza at byte {start}")
            raise IntegrityError("a stanza of the package index is incomplete", where=where) from error


def _package(fields: Deb822, archive: str) -> Package:
    name = fields["Package"]
    deb = LockedDeb(
        name=name,
        version=str(NativeVersion(fields["Version"])),
        architecture=fields["Architecture"],
        path=fields["Filename"],
        size=int(fields["Size"]),
        sha256=fields["SHA256"],
        archive=archive,
    )

    def groups(*keys: str) -> tuple[Alternatives, ...]:
        return tuple(group for key in keys for group in parse_relations(fields.get(key, ""), package=name))

    return Package(
        deb=deb,
        priority=fields.get("Priority", "optional"),
        depends=groups("Pre-Depends", "Depends"),
        provides=tuple(relation for group in groups("Provides") for relation in group),
        conflicts=tuple(relation for group in groups("Conflicts", "Breaks") for relation in group),
    )


def map_file(path: Path) -> Buffer:
    """Map a file into memory; an empty one cannot be mapped."""
    with path.open("rb") as stream:
        empty = path.stat().st_size == 0
        return b"" if empty else mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
