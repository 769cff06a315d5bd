"""Trees and layers of two images, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lightship.build.imagetree import ImageTree
from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.digest import CHUNK
from lightship.fs.entries import Kind
from lightship.inspect.diff.model import Aspect, PathChange, PathState


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a path, and the layer that it comes from."""

    layer: StoredLayer
    member: StoredMember

    @property
    def file(self) -> Path | None:
        return self.layer.file(self.member) if self.member.kind is Kind.FILE else None

    def is_the_same(self, other: Found) -> bool:
        """Tell whether both are one member of one layer."""
        return self.layer.diff_id == other.layer.diff_id and self.member == other.member

    def state(self) -> PathState:
        member = self.member
        owner = f"{member.uid}:{member.gid}"
        return PathState(
            member.kind.value, member.size, f"{member.mode:04o}", owner, member.target, self._time()
        )

    def _time(self) -> int | None:
        if self.member.mtime is not None:
            return self.member.mtime
        return int(self.file.stat().st_mtime) if self.file is not None else None


def tree_of(tree: ImageTree) -> dict[str, Found]:
    """Give what can be seen of an image by path, without folders that no layer names."""
    return {path: Found(*node.member) for path, node in tree.tree.walk() if node.member is not None}


def members_of(layer: StoredLayer) -> dict[str, Found]:
    """Give a layer's members by path; of two with one path the later counts, as in unpacking."""
    return {member.path: Found(layer, member) for member in layer.members}


def path_changes(before: Mapping[str, Found], after: Mapping[str, Found]) -> tuple[PathChange, ...]:
    """List paths that one image lacks, or that differ, sorted. Contents of one size are read."""
    return tuple(_changes(before, after))


def _changes(before: Mapping[str, Found], after: Mapping[str, Found]) -> Iterator[PathChange]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            yield PathChange(path, old.state() if old else None, new.state() if new else None)
        elif not old.is_the_same(new) and (change := _change(path, old, new)).aspects:
            yield change


def _change(path: str, old: Found, new: Found) -> PathChange:
    states = old.state(), new.state()
    offset = _first_difference(old, new)
    differs = {
        Aspect.KIND: states[0].kind != states[1].kind,
        Aspect.CONTENT: offset is not None,
        Aspect.TARGET: states[0].target != states[1].target,
        Aspect.MODE: states[0].mode != states[1].mode,
        Aspect.OWNER: states[0].owner != states[1].owner,
        Aspect.TIME: None not in (states[0].time, states[1].time) and states[0].time != states[1].time,
    }
    return PathChange(path, *states, tuple(aspect for aspect, is_so in differs.items() if is_so), offset)


def _first_difference(old: Found, new: Found) -> int | None:
    """Give the offset of the first byte that differs; None where none does, or one of them is no file."""
    if old.file is None or new.file is None:
        return None
    if old.layer.diff_id == new.layer.diff_id and old.member.number == new.member.number:
        return None
    at = 0
    with old.file.open("rb") as one, new.file.open("rb") as other:
        while True:
            pieces = one.read(CHUNK), other.read(CHUNK)
            if pieces[0] != pieces[1]:
                return at + _common_length(*pieces)
            if not pieces[0]:
                return None
            at += len(pieces[0])


def _common_length(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
