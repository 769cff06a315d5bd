"""What a package brings and an image can do without, as data: rules of path patterns."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from lightship.slim import Rule

COMPILERS = frozenset({"clang", "g++", "gcc", "tcc", "build-essential"})
"""Debian packages, whatever version ends their name, with which a service could compile at run time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimRule(Rule):
    """Files that are left out, and why nothing misses them.

    The rule does not hold at all in an image that has one of `unless`: names of Debian packages, with or
    without a version at the end, and of distributions.
    """

    reason: str
    proof: str
    unless: frozenset[str] = frozenset()

    def holds(self, present: Collection[str]) -> bool:
        """Whether it may be applied to an image that has these packages."""
        return not any({name, _unversioned(name)} & self.unless for name in present)

    def essence(self) -> list[object]:
        """What decides which files go; the words about it do not."""
        sets = (self.owners, self.spared)
        return [self.name, list(self.paths), list(self.keep), *(sorted(each) for each in sets)]


def _unversioned(package: str) -> str:
    """`gcc` of `gcc-12`, but not of `gcc-12-base`, which is no compiler."""
    return re.sub(r"-[0-9]+$", "", package)
