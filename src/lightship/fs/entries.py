"""Entries: what a layer, a package or a root file system is made of."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from lightship.digest import CHUNK


class Kind(enum.Enum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    SPECIAL = "special"
    """A device node or a FIFO: read only by those who ask for them, and never written."""


class Content(Protocol):
    """The bytes of a file, readable any number of times."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in pieces; raises IntegrityError at the end if they are not what they must be."""


class BytesContent(Struct, frozen=True):
    """Content held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        yield self.data


class FileContent(Struct, frozen=True):
    """`size` bytes of a file of the build machine, from `offset` on."""

    path: Path
    size: int
    offset: int = 0

    def chunks(self) -> Iterator[bytes]:
        from lightship.errors import StageError

        left = self.size
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            while left:
                chunk = stream.read(min(CHUNK, left))
                if not chunk:
                    raise StageError("a file became shorter while it was read", where=str(self.path))
                left -= len(chunk)
                yield chunk


class Entry(Struct, frozen=True):
    """One path of a tree.

    `path` is relative to the root, POSIX, normalised: no leading `/` or `./`, no `..`, no trailing `/`.
    `mode` holds the permission bits only (07777). `target` is a symlink's text, or the path (in the form of
    `path`) that a hard link shares its file with. Time stamps are not kept: every entry of a layer has the
    same one.
    """

    path: str
    kind: Kind
    mode: int
    content: Content | None = None
    target: str = ""
    uid: int = 0
    gid: int = 0

    @property
    def size(self) -> int:
        return self.content.size if self.content is not None else 0

    def owned_by(self, uid: int, gid: int) -> Entry:
        return replace(self, uid=uid, gid=gid)


def directory(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, Kind.DIRECTORY, mode)


def regular(path: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry(path, Kind.FILE, mode, BytesContent(data))


def symlink(path: str, target: str) -> Entry:
    return Entry(path, Kind.SYMLINK, 0o777, target=target)
