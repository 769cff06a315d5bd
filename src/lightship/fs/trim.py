"""What a package brings and an image can do without, as data: rules of path patterns."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from lightship.slim import Rule

COMPILERS = frozenset({"clang", "g++", "gcc", "tcc", "build-essential"})
"""Debian packages, whatever version ends their name, with which a service could compile at run time."""


class TrimRule(Struct, frozen=True, kw_only=True):
    """Files that are left out, as `slim.Rule` has them, and why nothing misses them.

    The rule does not hold at all in an image that has one of `unless`: names of Debian packages, with or
    without a version at the end, and of distributions.
    """

    name: str
    paths: tuple[str, ...]
    reason: str
    proof: str
    keep: tuple[str, ...] = ()
    owners: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()

    def holds(self, present: Collection[str]) -> bool:
        """Whether it may be applied to an image that has these packages."""
        return not self.unless or not any({name, _unversioned(name)} & self.unless for name in present)

    def concerns(self, owner: str) -> bool:
        """Whether it is about files of this package or distribution."""
        return owner not in self.spared and (not self.owners or owner in self.owners)

    @property
    def files(self) -> Rule:
        """What it says of files alone."""
        from lightship.slim import Rule  # which most commands need not import

        return Rule(name=self.name, paths=self.paths, keep=self.keep, owners=self.owners, spared=self.spared)

    def essence(self) -> list[object]:
        """What decides which files go; the words about it do not."""
        sets = (self.owners, self.spared)
        return [self.name, list(self.paths), list(self.keep), *(sorted(each) for each in sets)]


@cache
def _unversioned(package: str) -> str:
    """`gcc` of `gcc-12`, but not of `gcc-12-base`, which is no compiler."""
    return re.sub(r"-[0-9]+$", "", package)
