"""`file:` URLs, read like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lightship.digest import CHUNK
from lightship.errors import NetworkError


def local_path(url: str) -> Path | None:
    """The file that a `file:` URL names (RFC 8089), or None for any other URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


@contextmanager
def open_local(path: Path, *, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
    """Yield the bytes of a file from `start` up to but without `end`.

    Raises:
        NetworkError: if the file is missing or cannot be read.

    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise NetworkError(f"cannot read: {error.strerror}", where=str(path), hint=_HINT) from error
    with stream:
        stream.seek(start)
        yield _chunks(stream.read, None if end is None else end - start, path)


def _chunks(read: Callable[[int], bytes], left: int | None, path: Path) -> Iterator[bytes]:
    while left is None or left > 0:
        try:
            chunk = read(CHUNK if left is None else min(CHUNK, left))
        except OSError as error:
            raise NetworkError(f"cannot read: {error.strerror}", where=str(path), hint=_HINT) from error
        if not chunk:
            return
        left = None if left is None else left - len(chunk)
        yield chunk


_HINT = "put the file back, or lock again without it"
