"""Trees and layers of two images, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.digest import CHUNK
from lightship.fs.entries import Kind
from lightship.inspect.diff.model import Aspect, PathChange, PathState
from lightship.inspect.seeing import Seen


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a path, and the layer that it comes from."""

    layer: StoredLayer
    member: StoredMember
    seen: Seen = field(repr=False)

    @property
    def is_file(self) -> bool:
        return self.member.kind is Kind.FILE

    @property
    def file(self) -> Path | None:
        """Where a file's bytes are, if they are here."""
        if not self.is_file or self.layer.diff_id not in self.seen.here:
            return None
        return self.layer.file(self.member)

    def digest(self) -> bytes:
        return self.seen.files.digest((self.layer, self.member))

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


def tree_of(seen: Seen) -> dict[str, Found]:
    """Give what can be seen of an image by path, without folders that no layer names."""
    walk = seen.tree.tree.walk()
    return {path: Found(*node.member, seen) for path, node in walk if node.member is not None}


def members_of(seen: Seen, number: int) -> dict[str, Found]:
    """Give a layer's members by path; of two with one path the later counts, as in unpacking."""
    layer = seen.layers[number]
    return {member.path: Found(layer, member, seen) for member in layer.members}


def path_changes(before: Mapping[str, Found], after: Mapping[str, Found]) -> tuple[PathChange, ...]:
    """List paths that one image lacks, or that differ, sorted.

    Contents of one size are read where they are here, and else compared by their digests.
    """
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
    is_other, offset = _contents(old, new)
    differs = {
        Aspect.KIND: states[0].kind != states[1].kind,
        Aspect.CONTENT: is_other,
        Aspect.TARGET: states[0].target != states[1].target,
        Aspect.MODE: states[0].mode != states[1].mode,
        Aspect.OWNER: states[0].owner != states[1].owner,
        Aspect.TIME: None not in (states[0].time, states[1].time) and states[0].time != states[1].time,
    }
    return PathChange(path, *states, tuple(aspect for aspect, is_so in differs.items() if is_so), offset)


def _contents(old: Found, new: Found) -> tuple[bool, int | None]:
    """Tell whether two files differ, and at which byte first, where both are here."""
    if not old.is_file or not new.is_file:
        return False, None
    if old.layer.diff_id == new.layer.diff_id and old.member.number == new.member.number:
        return False, None
    if old.file is None or new.file is None:
        return old.member.size != new.member.size or old.digest() != new.digest(), None
    offset = _first_difference(old.file, new.file)
    return offset is not None, offset


def _first_difference(old: Path, new: Path) -> int | None:
    """Give the offset of the first byte that differs; None where none does."""
    at = 0
    with old.open("rb") as one, new.open("rb") as other:
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
