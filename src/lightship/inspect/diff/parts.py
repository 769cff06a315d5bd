"""Packages and folders of two images, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from lightship.inspect.diff.model import PartChange, PartState
from lightship.inspect.report.model import Part


def part_changes(before: Sequence[Part], after: Sequence[Part]) -> tuple[PartChange, ...]:
    """List what was added or removed, or differs in version, size or number of files, by growth."""
    old, new = ({part.id: part for part in parts} for parts in (before, after))
    found = []
    for identity, part in (old | new).items():
        states = _state(old.get(identity)), _state(new.get(identity))
        if states[0] != states[1]:
            found.append(PartChange(identity, part.group, part.name, *states))
    return tuple(sorted(found, key=lambda change: (-abs(change.growth), change.id)))


def _state(part: Part | None) -> PartState | None:
    return PartState(part.version, part.size, part.files) if part is not None else None
