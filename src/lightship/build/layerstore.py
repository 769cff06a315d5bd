"""Layers, unpacked once each: numbered files, and a listing that says what they are.

A layer's files lie flat, so that no path of an archive is ever a path of the host here. Images are laid out
from them by hard links.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from lightship.build.folders import making
from lightship.decoders import from_msgpack
from lightship.digest import Digest, hex_of
from lightship.errors import IntegrityError
from lightship.events import Reporter, Task
from lightship.fs.entries import Kind
from lightship.oci.model import Layer
from lightship.oci.unpack import LayerReader, write_all

_WORKERS = 4
_LISTING = "listing"


class StoredMember(msgspec.Struct, frozen=True, array_like=True):
    """A member of a layer; `number` names a file's bytes in the layer's folder, -1 for other kinds.

    `mtime` is in seconds since 1970, None in listings that were made before it was kept. `capability` is the
    extended attribute that gives a program rights of its own.
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    target: str
    number: int
    mtime: int | None = None
    capability: bytes = b""


class _Listing(msgspec.Struct, frozen=True):
    unpacked: int
    members: tuple[StoredMember, ...]


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """An unpacked layer: its members in the order of its tar, and the size of that tar in bytes."""

    folder: Path
    diff_id: Digest
    unpacked: int
    members: tuple[StoredMember, ...]

    def file(self, member: StoredMember) -> Path:
        return self.folder / str(member.number)


class Watcher(Protocol):
    """Looks at a layer's files while they are unpacked."""

    def see(self, member: StoredMember, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Look at a file's bytes, and hand them on."""

    def end(self, layer: StoredLayer) -> None:
        """Is told when all have passed, and the layer was what its diff ID says."""


@dataclass(frozen=True, slots=True)
class LayerStore:
    """Unpacked layers by diff ID, below one folder; any number of processes may share it."""

    folder: Path

    def get_all(
        self, layers: Iterable[Layer], reporter: Reporter, *, watch: Callable[[Layer], Watcher] | None = None
    ) -> list[StoredLayer]:
        """Unpack those layers that are not here yet; `watch` gives each of them somebody who looks on.

        Raises:
            IntegrityError: a layer is damaged or hostile.
            StageError: the disk is full or the folder cannot be written.

        """
        layers = list(layers)
        missing = {layer.diff_id: layer for layer in layers if not self.has(layer.diff_id)}
        if missing:
            total = sum(layer.descriptor.size for layer in missing.values())
            with reporter.task("unpacking", total) as task, ThreadPoolExecutor(_WORKERS) as pool:
                for _ in pool.map(lambda layer: self._add(layer, task, watch), missing.values()):
                    pass
        return [self.load(layer.diff_id) for layer in layers]

    def has(self, diff_id: Digest) -> bool:
        """Tell whether a layer is unpacked here."""
        return self.place(diff_id).is_dir()

    def place(self, diff_id: Digest) -> Path:
        """Name the folder where a layer lies, or will lie."""
        return self.folder / hex_of(diff_id)

    def load(self, diff_id: Digest) -> StoredLayer:
        """Read the listing of a layer that is unpacked here.

        Raises:
            IntegrityError: it is damaged.

        """
        path = self.place(diff_id) / _LISTING
        try:
            listing = from_msgpack(path.read_bytes(), _Listing)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise IntegrityError(
                "the cache holds a damaged layer",
                where=str(path.parent),
                hint="remove this folder, and try again",
            ) from error
        return StoredLayer(path.parent, diff_id, listing.unpacked, listing.members)

    def _add(self, layer: Layer, task: Task, watch: Callable[[Layer], Watcher] | None) -> None:
        watcher = watch(layer) if watch is not None else None
        final = self.place(layer.diff_id)
        with making(final) as building:

            def take(member: StoredMember, chunks: Iterable[bytes]) -> None:
                seen = chunks if watcher is None else watcher.see(member, chunks)
                _write(member, seen, f"{building}/{member.number}")

            unpacked, members = read_members(layer, task, take)
            listing = msgspec.msgpack.encode(_Listing(unpacked, members))
            (building / _LISTING).write_bytes(listing)
        if watcher is not None:
            watcher.end(StoredLayer(final, layer.diff_id, unpacked, members))


def read_members(
    layer: Layer, task: Task, take: Callable[[StoredMember, Iterable[bytes]], None]
) -> tuple[int, tuple[StoredMember, ...]]:
    """Read a layer once; `take` gets every file's bytes. Return the size of its tar, and what it holds.

    Raises:
        IntegrityError: the layer is damaged or hostile.

    """
    members = []
    reader = LayerReader(layer, task, special=True)
    for number, member in enumerate(reader):
        is_file = member.kind is Kind.FILE
        stored = StoredMember(
            member.path,
            member.kind,
            member.mode,
            member.uid,
            member.gid,
            member.size,
            member.target,
            number if is_file else -1,
            member.mtime,
            member.capability,
        )
        if is_file:
            take(stored, member.chunks())
        members.append(stored)
    return reader.unpacked, tuple(members)


def _write(member: StoredMember, chunks: Iterable[bytes], where: str) -> None:
    """Write a file that its owner can read, and that never gives anybody rights: no set-user-ID bits."""
    handle = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for chunk in chunks:
            write_all(handle, chunk)
        os.fchmod(handle, member.mode & 0o777 | 0o400)
        if member.mtime is not None:
            # Python compares a module's time stamp with the one in its bytecode.
            os.utime(handle, (member.mtime, member.mtime))
    finally:
        os.close(handle)
