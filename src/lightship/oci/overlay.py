"""What a stack of layers looks like from above (OCI image spec, layer.md: changesets and whiteouts).

The tree lives in memory only. Verification reads it; unpacking asks it where a member's bytes must go: since
every symlink above a path is followed here, within the tree, no write ever meets one on the disk.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

from lightship.errors import IntegrityError
from lightship.fs.entries import Kind

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_MOST_LINKS = 40  # path_resolution(7): the kernel gives up there, too

T = TypeVar("T")


@dataclass(slots=True)
class Node(Generic[T]):
    """One path: what it is, the layer (0 is the lowest) that last said so, and that layer's member."""

    kind: Kind
    layer: int
    target: str = ""
    member: T | None = None
    children: dict[str, Node[T]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a member lands. `removed` must go first; `created` are directories that no member named.

    `path` is empty for a whiteout. For a hard link `target` is the resolved path of the file it shares.
    """

    path: str
    removed: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    target: str = ""


class Overlay(Generic[T]):
    """A tree to which the members of layers are applied, bottom layer first."""

    def __init__(self) -> None:
        self._root: Node[T] = Node(Kind.DIRECTORY, 0)
        self._layer = 0
        self._folders: dict[str, tuple[str, Node[T]]] = {}
        """Folders as members name them, for as long as nothing is removed."""

    def next_layer(self) -> None:
        """Say that the members that follow belong to the layer above."""
        self._layer += 1

    def place(self, path: str, kind: Kind, target: str, member: T) -> Placement:
        """Apply one member.

        Raises:
            IntegrityError: symlinks above it that loop, or a hard link to what is not there.

        """
        folder, _, name = path.rpartition("/")
        if name.startswith(WHITEOUT):
            return self._whiteout(folder, name)
        created: list[str] = []
        where, parent = self._folder(folder, created)
        final = f"{where}/{name}" if where else name
        linked, target = self._linked(path, target) if kind is Kind.HARDLINK else (None, target)
        if linked is not None and target == final:
            _fail(f"{path!r} is a hard link to itself")
        removed = self._make_room(parent, name, kind, final)
        if kind is Kind.DIRECTORY and name in parent.children:
            node = parent.children[name]
            node.layer, node.member = self._layer, member
        elif linked is not None:
            parent.children[name] = Node(Kind.FILE, self._layer, "", linked.member)
        else:
            parent.children[name] = Node(kind, self._layer, target, member)
        return Placement(final, removed, tuple(created), target if linked is not None else "")

    def walk(self) -> Iterator[tuple[str, Node[T]]]:
        """Yield every path with its node; a directory comes before what is in it."""
        stack = [("", self._root)]
        while stack:
            path, node = stack.pop()
            if path:
                yield path, node
            prefix = f"{path}/" if path else ""
            stack.extend((prefix + name, child) for name, child in reversed(node.children.items()))

    def find(self, path: str) -> tuple[str, Node[T]] | None:
        """Follow symlinks within the tree; return the real path and its node, or None where there is none."""
        try:
            return self._resolve(path, None)
        except (_MissingError, IntegrityError):
            return None

    def _linked(self, path: str, target: str) -> tuple[Node[T], str]:
        folder, name = posixpath.split(target)
        try:
            where, parent = self._resolve(folder, None)
            node = parent.children[name]
        except (_MissingError, KeyError):
            node = None
        if node is None or node.kind is not Kind.FILE:
            raise IntegrityError(
                f"{path!r} is a hard link to {target!r}, which is no file of the image", hint=_HINT
            )
        return node, posixpath.join(where, name)

    def _make_room(self, parent: Node[T], name: str, kind: Kind, final: str) -> tuple[str, ...]:
        old = parent.children.get(name)
        if old is None or (kind is Kind.DIRECTORY and old.kind is Kind.DIRECTORY):
            return ()
        self._remove(parent, name)
        return (final,)

    def _whiteout(self, folder: str, name: str) -> Placement:
        """Hide what lower layers have; what this layer has stays, whatever the order of its members."""
        try:
            where, parent = self._resolve(folder, None)
        except _MissingError:
            return Placement("")
        if name == OPAQUE:
            return Placement("", tuple(self._hide(parent, where)))
        if name.startswith(WHITEOUT * 2):
            return Placement("")  # other AUFS bookkeeping, which hides nothing
        hidden = name.removeprefix(WHITEOUT)
        node = parent.children.get(hidden)
        if node is None or node.layer == self._layer:
            return Placement("")
        self._remove(parent, hidden)
        return Placement("", (posixpath.join(where, hidden),))

    def _hide(self, parent: Node[T], where: str) -> Iterator[str]:
        for name, node in list(parent.children.items()):
            path = posixpath.join(where, name)
            if node.layer != self._layer:
                self._remove(parent, name)
                yield path
            elif node.kind is Kind.DIRECTORY:
                yield from self._hide(node, path)

    def _remove(self, parent: Node[T], name: str) -> None:
        del parent.children[name]
        self._folders.clear()

    def _folder(self, path: str, created: list[str]) -> tuple[str, Node[T]]:
        """Resolve as `_resolve` does, once for all that is in a folder."""
        found = self._folders.get(path)
        if found is None:
            found = self._folders[path] = self._resolve(path, created)
        return found

    def _resolve(self, path: str, created: list[str] | None) -> tuple[str, Node[T]]:
        """Walk down from the root; with `created`, make the directories that are missing and list them."""
        trail: list[tuple[str, Node[T]]] = [("", self._root)]
        todo = path.split("/")[::-1] if path else []
        links = 0
        while todo:
            name = todo.pop()
            if name in ("", ".", ".."):
                if name == ".." and len(trail) > 1:
                    trail.pop()
                continue
            where, node = trail[-1]
            child = node.children.get(name)
            here = f"{where}/{name}" if where else name
            if child is not None and child.kind is Kind.SYMLINK:
                links += 1
                if links > _MOST_LINKS:
                    _fail(f"the symlinks above {path!r} loop")
                trail = trail[:1] if child.target.startswith("/") else trail
                todo.extend(child.target.split("/")[::-1])
                continue
            if child is None or (created is not None and child.kind is not Kind.DIRECTORY):
                child = self._missing(node, name, here, created)
            trail.append((here, child))
        return trail[-1]

    def _missing(self, node: Node[T], name: str, here: str, created: list[str] | None) -> Node[T]:
        if created is None:
            raise _MissingError
        if name in node.children:
            _fail(f"{here!r} is not a directory, and yet the layer puts files below it")
        made = node.children[name] = Node[T](Kind.DIRECTORY, self._layer)
        created.append(here)
        return made


class _MissingError(Exception):
    """A path that is not in the tree."""


def _fail(message: str) -> NoReturn:
    raise IntegrityError(message, hint=_HINT)


_HINT = "the layer is damaged or hostile: do not use it, and build or fetch the image again"
