"""Which of the layers' files can be seen from above, and what became of the others."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from lightship.build.imagetree import ImageTree
from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.fs.entries import Kind
from lightship.inspect.report.model import Fate, HiddenFile
from lightship.inspect.seeing import Seen
from lightship.oci.overlay import OPAQUE, WHITEOUT


class Placed(msgspec.Struct, frozen=True):
    """A file at its real path, from the layer of this number; hard links have one path here."""

    path: str
    layer: int
    member: StoredMember

    @property
    def size(self) -> int:
        return self.member.size


@dataclass(frozen=True, slots=True)
class Surface:
    """The files of an image that can be seen, in the order of the tree, and those that cannot."""

    seen: Seen
    files: tuple[Placed, ...]
    hidden: tuple[HiddenFile, ...]

    @property
    def tree(self) -> ImageTree:
        return self.seen.tree

    @property
    def layers(self) -> list[StoredLayer]:
        return self.tree.layers

    def digest(self, layer: int, member: StoredMember) -> bytes:
        """Give the SHA-256 of a file of the layer of this number."""
        return self.seen.files.digest((self.layers[layer], member))


def read_surface(seen: Seen) -> Surface:
    """Divide the layers' files into those that can be seen and those that cannot."""
    tree = seen.tree
    files = tuple(_visible(tree))
    shown = {(placed.layer, placed.member.number) for placed in files}
    lost = [
        (number, member)
        for number, layer in enumerate(tree.layers)
        for member in layer.members
        if member.kind is Kind.FILE and (number, member.number) not in shown and not is_whiteout(member.path)
    ]
    surface = Surface(seen, files, ())
    return replace(surface, hidden=tuple(_hidden(surface, lost))) if lost else surface


def is_whiteout(path: str) -> bool:
    """Tell the marks of layers (OCI image spec, layer.md, "Whiteouts") from files."""
    return posixpath.basename(path).startswith(WHITEOUT)


def _visible(tree: ImageTree) -> Iterator[Placed]:
    numbers = {id(layer): number for number, layer in enumerate(tree.layers)}
    seen: set[tuple[int, int]] = set()
    for path, node in tree.tree.walk():
        if node.kind is not Kind.FILE or node.member is None:
            continue
        layer, member = node.member
        key = (numbers[id(layer)], member.number)
        if key not in seen:
            seen.add(key)
            yield Placed(path, key[0], member)


def _hidden(surface: Surface, lost: list[tuple[int, StoredMember]]) -> Iterator[HiddenFile]:
    index = _Index.of(surface.layers)
    for number, member in lost:
        by, above = index.hider(number, member.path)
        yield HiddenFile(member.path, member.size, number, _fate(surface, (number, member), by, above), by)


def _fate(surface: Surface, lost: tuple[int, StoredMember], by: int, above: StoredMember | None) -> Fate:
    member = lost[1]
    if above is None:
        return Fate.REMOVED
    if above.kind is not Kind.FILE or above.size != member.size:
        return Fate.REPLACED
    return Fate.REPEATED if surface.digest(*lost) == surface.digest(by, above) else Fate.REPLACED


@dataclass(frozen=True, slots=True)
class _Index:
    """By path: in which layers something stands there, and which layers hide what is below."""

    members: Mapping[str, list[tuple[int, StoredMember]]]
    removed: Mapping[str, list[int]]

    @staticmethod
    def of(layers: list[StoredLayer]) -> _Index:
        members: dict[str, list[tuple[int, StoredMember]]] = defaultdict(list)
        removed: dict[str, list[int]] = defaultdict(list)
        for number, layer in enumerate(layers):
            for member in layer.members:
                folder, name = posixpath.split(member.path)
                if name == OPAQUE:
                    removed[f"{folder}/"].append(number)
                elif name.startswith(WHITEOUT):
                    removed[posixpath.join(folder, name.removeprefix(WHITEOUT))].append(number)
                else:
                    members[member.path].append((number, member))
        return _Index(members, removed)

    def hider(self, layer: int, path: str) -> tuple[int, StoredMember | None]:
        """Name the first layer above `layer` that hides its file, and what it puts there, if it does."""
        found: list[tuple[int, StoredMember | None]] = [*self.members[path]]
        found += [(number, None) for number in self._removals(path)]
        later = [item for item in found if item[0] > layer]
        # None: the layer has the path twice, or one above names it by way of a symlink.
        return min(later, key=lambda item: item[0], default=(layer, self.members[path][-1][1]))

    def _removals(self, path: str) -> Iterator[int]:
        """Yield layers that hide a path by a whiteout, or by something that is no folder above it."""
        yield from self.removed.get(path, ())
        while path := posixpath.dirname(path):
            yield from self.removed.get(path, ())
            yield from self.removed.get(f"{path}/", ())
            for number, member in self.members.get(path, ()):
                if member.kind is not Kind.DIRECTORY:
                    yield number
