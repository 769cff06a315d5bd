"""Relationships between packages (Debian Policy, chapter 7) and versions (deb-version(7))."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from debian.deb822 import PkgRelation

# Not `Version`, which is another implementation where python-apt is installed.
from debian.debian_support import NativeVersion

from lightship.errors import ResolutionError

_OPERATORS: Mapping[str, Callable[[NativeVersion, NativeVersion], bool]] = {
    "<<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">>": operator.gt,
    "<": operator.le,  # Policy 7.1: the obsolete forms mean "or equal"
    ">": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One alternative: a package name, `name (>= 1.2)`, or `name:any`."""

    name: str
    operator: str = ""
    version: str = ""
    architecture: str = ""

    def __str__(self) -> str:
        name = f"{self.name}:{self.architecture}" if self.architecture else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name

    def admits(self, version: str) -> bool:
        """Whether a package of this version will do; `""` (an unversioned Provides) only where any will."""
        if not self.operator:
            return True
        return bool(version) and _OPERATORS[self.operator](
            NativeVersion(version), NativeVersion(self.version)
        )


Alternatives = tuple[Relation, ...]


def parse_relations(text: str, *, package: str) -> tuple[Alternatives, ...]:
    """Read the value of a Depends, Provides, Conflicts, Breaks or Replaces field.

    Raises:
        ResolutionError: if the field breaks the grammar.

    """
    if not text.strip():
        return ()
    return tuple(
        tuple(_relation(item, package) for item in group) for group in PkgRelation.parse_relations(text)
    )


def _relation(item: PkgRelation.ParsedRelation, package: str) -> Relation:
    symbol, version = item["version"] or ("", "")
    if " " in item["name"] or (symbol and symbol not in _OPERATORS):
        raise ResolutionError(f"{package} has a relationship that cannot be read: {item['name']!r}")
    architecture = item["archqual"] or ""
    return Relation(item["name"], symbol, version, architecture if architecture != "any" else "")
