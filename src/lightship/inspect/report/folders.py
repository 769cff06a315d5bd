"""The folders of each part with their sizes, as far as a map of the image can show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from lightship.inspect.report.model import Inspection

_MOST = 5000
"""Folders and files on one map; smaller ones are gathered."""


class Folder(msgspec.Struct, frozen=True, array_like=True):
    """A folder or file: a folder that holds one folder alone is one with it, `lib/python3.11`.

    What is too small to be shown is gathered under the empty name; `files` says how many there are.
    """

    name: str
    size: int
    files: int
    children: tuple[Folder, ...] = ()


@dataclass(slots=True)
class _Node:
    size: int = 0
    files: int = 0
    children: dict[str, _Node] = field(default_factory=dict)

    def add(self, names: Iterable[str], size: int) -> None:
        node = self
        node.count(size)
        for name in names:
            node = node.children.setdefault(name, _Node())
            node.count(size)

    def count(self, size: int) -> None:
        self.size += size
        self.files += 1

    def sizes(self) -> Iterator[int]:
        for child in self.children.values():
            yield child.size
            yield from child.sizes()


def folders(found: Inspection) -> dict[str, tuple[Folder, ...]]:
    """Give the folders of each part by its id; in a part's place, paths are relative to that."""
    places = {part.id: part.place.strip("/") for part in found.parts}
    roots = {identity: _Node() for identity in places}
    for file in found.files:
        prefix = f"{places[file.part]}/" if places[file.part] else ""
        path = file.path.removeprefix(prefix) if prefix and file.path.startswith(prefix) else f"/{file.path}"
        roots[file.part].add(_names(path), file.size)
    sizes = sorted((size for root in roots.values() for size in root.sizes()), reverse=True)
    smallest = sizes[_MOST] + 1 if len(sizes) > _MOST else 0
    return {identity: _shown(root, smallest) for identity, root in roots.items()}


def _names(path: str) -> list[str]:
    first, *others = path.lstrip("/").split("/")
    return [f"/{first}" if path.startswith("/") else first, *others]


def _shown(node: _Node, smallest: int) -> tuple[Folder, ...]:
    large = [(name, child) for name, child in node.children.items() if child.size >= smallest]
    found = [_folder(name, child, smallest) for name, child in large]
    size, files = (
        node.size - sum(child.size for _, child in large),
        node.files - sum(child.files for _, child in large),
    )
    if files and found:
        found.append(Folder("", size, files))
    return tuple(sorted(found, key=lambda folder: (-folder.size, folder.name)))


def _folder(name: str, node: _Node, smallest: int) -> Folder:
    while len(node.children) == 1:
        ((inner, node),) = node.children.items()
        name = f"{name}/{inner}"
    return Folder(name, node.size, node.files, _shown(node, smallest))
