"""What a package brings and an image can do without, as data: rules of path patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

COMPILERS = frozenset({"clang", "g++", "gcc", "tcc", "build-essential"})
"""Debian packages, whatever version ends their name, with which a service could compile at run time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimRule:
    """Files that are left out, and why nothing misses them.

    A pattern is a path with `*` for anything but a slash, and `**` for any folders: `a/**` is the folder `a`
    and all below it, `**/*.a` a file at any depth. `keep` has exceptions. The rule holds for packages in
    `owners` (for every one, if empty) but those in `spared`, and not at all in an image that has one of
    `unless`: names of Debian packages, with or without a version at the end, and of distributions.
    """

    name: str
    paths: tuple[str, ...]
    reason: str
    proof: str
    keep: tuple[str, ...] = ()
    owners: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()

    def concerns(self, owner: str) -> bool:
        return owner not in self.spared and (not self.owners or owner in self.owners)

    def holds(self, present: Collection[str]) -> bool:
        """Whether it may be applied to an image that has these packages."""
        return not any({name, _unversioned(name)} & self.unless for name in present)

    def essence(self) -> list[object]:
        """What decides which files go; the words about it do not."""
        sets = (self.owners, self.spared)
        return [self.name, list(self.paths), list(self.keep), *(sorted(each) for each in sets)]


Trimmer = Callable[[str], str]
"""Gives the name of the rule by which a path is left out, or nothing."""


def keep_all(path: str) -> str:  # noqa: ARG001 - a Trimmer
    return ""


def trimmer(rules: Iterable[TrimRule], owner: str) -> Trimmer:
    """Put the rules that concern a package into one function; the first rule that matches is named."""
    own = [rule for rule in rules if rule.concerns(owner)]
    if not own:
        return keep_all
    compiled = [(rule.name, _compile(rule.paths), _compile(rule.keep)) for rule in own]

    def trimmed_by(path: str) -> str:
        for name, paths, keep in compiled:
            if paths.fullmatch(path) and not keep.fullmatch(path):
                return name
        return ""

    return trimmed_by


def _compile(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_translate, patterns)) or r"(?!)")


def _translate(pattern: str) -> str:
    special = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|/\*\*$|\*)", pattern)
    return "".join(special.get(part) or re.escape(part) for part in parts)


def _unversioned(package: str) -> str:
    """`gcc` of `gcc-12`, but not of `gcc-12-base`, which is no compiler."""
    return re.sub(r"-[0-9]+$", "", package)
