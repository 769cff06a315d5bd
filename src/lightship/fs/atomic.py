"""Files that appear under their final name whole, or not at all (rename(2) is atomic)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from lightship.errors import StageError


class Unnamed(Struct, frozen=True):
    """A file being written, that has no final name yet."""

    stream: BinaryIO
    path: Path

    def name(self, path: Path, *, mode: int = 0o644) -> None:
        """Give the file its final name; whatever had that name is replaced."""
        self.stream.flush()
        self.path.chmod(mode)  # the umask must not matter
        self.path.replace(path)


@contextmanager
def writing_unnamed(folder: Path) -> Iterator[Unnamed]:
    """Write a file whose name, in a folder of the same file system, is known only at its end.

    Raises:
        StageError: if the disk is full or the folder cannot be written.

    """
    handle, path = _create(folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield Unnamed(stream, path)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _STORAGE:
            raise storage_error(error, folder) from error
        raise


@contextmanager
def unlinked(folder: Path) -> Iterator[BinaryIO]:
    """Open a file without a name, to be written and read: it is gone when it is closed, or we are killed.

    Raises:
        StageError: if the folder cannot be written.

    """
    handle, path = _create(folder)
    with os.fdopen(handle, "w+b") as stream:
        path.unlink()
        yield stream


@contextmanager
def writing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Write a file that replaces `path` when the block ends without an error.

    Raises:
        StageError: if the disk is full or the folder cannot be written.

    """
    with writing_unnamed(path.parent) as unnamed:
        yield unnamed.stream
        unnamed.name(path, mode=mode)


def _create(folder: Path) -> tuple[int, Path]:
    """Create a file that nobody else has, and open it; `tempfile` would be slow to import."""
    path = folder / f".tmp-{os.getpid()}-{os.urandom(8).hex()}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        try:
            return os.open(path, flags, 0o600), path
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            return os.open(path, flags, 0o600), path
    except OSError as error:
        raise storage_error(error, folder) from error


def write_bytes(path: Path, data: bytes) -> None:
    with writing(path) as stream:
        stream.write(data)


def storage_error(error: OSError, folder: Path) -> StageError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StageError(
        "no space is left on the disk" if full else f"cannot write: {error.strerror}",
        where=str(folder),
        hint="free some space (`lightship cache prune` empties the cache) and run the command again"
        if full
        else "check that the folder exists and belongs to you",
    )


_STORAGE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
