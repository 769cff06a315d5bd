"""Parts of an image with what they cost, alone and together, and why they are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lightship.inspect.report.graph import Edges, chains, find_roots, reachable, retained
from lightship.inspect.report.model import Group, GroupFacts, Part
from lightship.inspect.report.owners import Owner, Ownership
from lightship.inspect.report.surface import Placed

_ROOTS_FIRST = (Group.RUNTIME, Group.PYTHON, Group.DEBIAN, Group.APPLICATION, Group.UNOWNED)
"""Of chains of one length, the one that starts at the earliest of these is told."""
_EXPLAINED = (Group.RUNTIME, Group.PYTHON, Group.DEBIAN)


@dataclass(slots=True)
class _Tally:
    """What the files of one part come to."""

    size: int = 0
    files: int = 0
    bytecode: int = 0
    layers: set[int] = field(default_factory=set)

    def add(self, placed: Placed) -> None:
        self.size += placed.size
        self.files += 1
        self.bytecode += placed.size if placed.path.endswith(".pyc") else 0
        self.layers.add(placed.layer)


def make_parts(
    files: Iterable[Placed],
    ownership: Ownership,
    needs: Mapping[str, Collection[str]],
    asked: Mapping[str, str],
) -> tuple[Part, ...]:
    """Describe every owner, largest first.

    Args:
        files: what can be seen.
        ownership: to whom it belongs.
        needs: ids that each id requires.
        asked: by id, where somebody asks for it.

    """
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for placed in files:
        tallies[ownership.of[placed.path]].add(placed)
    order = sorted(
        ownership.owners.values(),
        key=lambda owner: (_ROOTS_FIRST.index(owner.group), owner.id not in asked, owner.id),
    )
    edges = {owner.id: tuple(sorted(needs.get(owner.id, ()))) for owner in order}
    sizes = {owner.id: tallies[owner.id].size for owner in order}
    accounts = _Accounts(edges, sizes, asked)
    found = [accounts.part(owner, tallies[owner.id]) for owner in order]
    return tuple(sorted(found, key=lambda part: (-part.size, part.id)))


class _Accounts:
    """What the graph of requirements says about each part."""

    def __init__(self, edges: Edges, sizes: Mapping[str, int], asked: Mapping[str, str]) -> None:
        self._edges, self._sizes, self._asked = edges, sizes, asked
        roots = find_roots(edges, asked)
        self._why = chains(roots, edges)
        self._frees = retained(roots, edges, sizes)
        self._users: dict[str, list[str]] = {identity: [] for identity in edges}
        for identity, targets in edges.items():
            for target in targets:
                self._users[target].append(identity)

    def part(self, owner: Owner, tally: _Tally) -> Part:
        return Part(
            id=owner.id,
            group=owner.group,
            name=owner.name,
            version=owner.version,
            summary=owner.summary,
            place=owner.place,
            size=tally.size,
            files=tally.files,
            bytecode=tally.bytecode,
            total=sum(self._sizes[each] for each in reachable([owner.id], self._edges)),
            frees=self._frees[owner.id],
            asked=self._asked.get(owner.id, ""),
            why=self._why[owner.id] if owner.group in _EXPLAINED else (),
            requires=tuple(self._edges[owner.id]),
            required_by=tuple(sorted(self._users[owner.id])),
            layers=tuple(sorted(tally.layers)),
        )


def summarise(parts: Sequence[Part]) -> tuple[GroupFacts, ...]:
    """Add parts up by their groups, largest first."""
    found = []
    for group in Group:
        members = [part for part in parts if part.group is group]
        if members:
            size, files = sum(part.size for part in members), sum(part.files for part in members)
            found.append(GroupFacts(group, size, files, len(members)))
    return tuple(sorted(found, key=lambda facts: (-facts.size, facts.group)))
