"""Files that appear under their final name whole, or not at all (rename(2) is atomic)."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lightship.errors import StageError


@dataclass(frozen=True, slots=True)
class Unnamed:
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".tmp-")
    except OSError as error:
        raise storage_error(error, folder) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            yield Unnamed(stream, Path(name))
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _STORAGE:
            raise storage_error(error, folder) from error
        raise


@contextmanager
def writing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Write a file that replaces `path` when the block ends without an error.

    Raises:
        StageError: if the disk is full or the folder cannot be written.

    """
    with writing_unnamed(path.parent) as unnamed:
        yield unnamed.stream
        unnamed.name(path, mode=mode)


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
