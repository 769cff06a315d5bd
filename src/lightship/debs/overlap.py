"""Files of two packages at one path: dpkg's Replaces (Policy 7.6.1), without its upgrades."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.relations import parse_relations
from lightship.debs.skeleton import merged
from lightship.debs.unpack import data_members
from lightship.fs.entries import Kind


def overridden(
    debs: Sequence[tuple[LockedDeb, Path]], replaces: Mapping[str, str]
) -> Mapping[str, frozenset[str]]:
    """For each package, the paths at which another's files stand, since that one Replaces it.

    Of two packages that replace each other, the one later in the order of names wins.

    Args:
        debs: every package.
        replaces: values of the Replaces fields, by package.

    """
    taken: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for deb, path in debs:
        losers = _replaced(deb.name, replaces, [other for other, _ in debs])
        if losers:
            files = frozenset(
                merged(each.path)
                for each in data_members(path, package=deb.name)
                if each.kind is not Kind.DIRECTORY
            )
            for loser in losers:
                taken[loser] |= files
    return taken


def _replaced(name: str, replaces: Mapping[str, str], debs: Sequence[LockedDeb]) -> list[str]:
    def may(winner: str, loser: LockedDeb) -> bool:
        relations = parse_relations(replaces.get(winner, ""), package=winner)
        return any(each.name == loser.name and each.admits(loser.version) for (each, *_) in relations)

    own = next(deb for deb in debs if deb.name == name)
    return [
        deb.name
        for deb in debs
        if deb.name != name and may(name, deb) and not (deb.name > name and may(deb.name, own))
    ]
