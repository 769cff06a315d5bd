"""A tree on disk, written from entries that archives name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.fs.paths import parents


class Item(Protocol):
    """What `Planter` has to know of an entry; paths are normalised, as those of `fs.entries.Entry` are."""

    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def mode(self) -> int: ...
    @property
    def target(self) -> str: ...


class Planter:
    """Writes below one empty folder, and never through a link. Owners are not kept, nor set-user-ID bits.

    Whoever runs this stays able to read, and to remove, all of it.
    """

    def __init__(self, folder: Path, *, archive: str) -> None:
        self._root = folder
        self._archive = archive
        self._kinds: dict[str, Kind] = {}

    def put(self, item: Item, chunks: Iterable[bytes] = (), *, mtime: int | None = None) -> None:
        """Write one entry; of two files at one path the later one stays. `mtime` is in seconds since 1970.

        Raises:
            IntegrityError: if it lies below something that is no directory, or is a link to no file.

        """
        self._make_parents(item.path)
        before = self._kinds.get(item.path)
        if Kind.DIRECTORY in (before, item.kind) and before not in (None, item.kind):
            raise self._refusal(f"{item.path} both as a directory and as something else")
        where = self._root / item.path
        if before is not None and before is not Kind.DIRECTORY:
            where.unlink()
        self._kinds[item.path] = Kind.FILE if item.kind is Kind.HARDLINK else item.kind
        self._write(item, where, chunks)
        if mtime is not None and item.kind is Kind.FILE:
            os.utime(where, (mtime, mtime))

    def _write(self, item: Item, where: Path, chunks: Iterable[bytes]) -> None:
        if item.kind is Kind.DIRECTORY:
            where.mkdir(exist_ok=True)
            where.chmod(item.mode & 0o777 | 0o700)
        elif item.kind is Kind.SYMLINK:
            where.symlink_to(item.target)
        elif item.kind is Kind.HARDLINK:
            if self._kinds.get(item.target) is not Kind.FILE:
                raise self._refusal(f"{item.path} as a link to {item.target}, which is no file")
            os.link(self._root / item.target, where, follow_symlinks=False)
        else:
            _write_file(where, item.mode & 0o777 | 0o600, chunks)

    def _make_parents(self, path: str) -> None:
        for parent in parents(path):
            kind = self._kinds.setdefault(parent, Kind.DIRECTORY)
            if kind is not Kind.DIRECTORY:
                raise self._refusal(f"{path} below {parent}, which is no directory")
            (self._root / parent).mkdir(exist_ok=True)

    def _refusal(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"the archive holds {what}",
            where=self._archive,
            hint="the archive is damaged or hostile: do not use it, and tell whoever publishes it",
        )


def _write_file(where: Path, mode: int, chunks: Iterable[bytes]) -> None:
    handle = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        for chunk in chunks:
            stream.write(chunk)
        os.fchmod(handle, mode)
