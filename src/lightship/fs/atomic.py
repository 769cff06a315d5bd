"""Files that appear under their final name whole, or not at all (rename(2) is atomic)."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lightship.errors import StageError


@contextmanager
def writing(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Write a file that replaces `path` when the block ends without an error.

    Raises:
        StageError: if the disk is full or the folder cannot be written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        os.chmod(name, mode)  # noqa: PTH101 - mkstemp names are strings, and umask must not matter
        os.replace(name, path)  # noqa: PTH105
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _STORAGE:
            raise storage_error(error, path) from error
        raise


def write_bytes(path: Path, data: bytes) -> None:
    with writing(path) as stream:
        stream.write(data)


def storage_error(error: OSError, path: Path) -> StageError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StageError(
        "no space is left on the disk" if full else f"cannot write: {error.strerror}",
        where=str(path.parent),
        hint="free some space (`lightship cache prune` empties the cache) and run the command again"
        if full
        else "check that the folder exists and belongs to you",
    )


_STORAGE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
