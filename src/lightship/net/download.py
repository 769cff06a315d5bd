"""Files from the network, checked while they arrive."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from lightship.digest import Digest, hex_of
from lightship.errors import IntegrityError, NetworkError
from lightship.events import Task
from lightship.fs.atomic import writing
from lightship.net.redact import redact
from lightship.net.transport import Transport

_ATTEMPTS = 5


def fetch_bytes(transport: Transport, url: str, *, limit: int) -> bytes:
    """Read a whole resource of at most `limit` bytes.

    Raises:
        NetworkError: unreachable, an error status, a broken body, or more than `limit` bytes.

    """
    body = bytearray()
    with transport.stream(url) as chunks:
        for chunk in chunks:
            body += chunk
            if len(body) > limit:
                raise NetworkError(
                    f"the answer is longer than {limit} bytes", where=redact(url), hint="check the address"
                )
    return bytes(body)


def fetch_file(
    transport: Transport, url: str, path: Path, *, digest: Digest, size: int | None, task: Task
) -> None:
    """Write a resource to `path` if, and only if, it has this digest and, where known, this size in bytes.

    A body that breaks off is resumed where it ended; `task` advances by bytes.

    Raises:
        NetworkError: unreachable, an error status, or a body that breaks off again and again.
        IntegrityError: if what the server sends is not what the lock pins.
        StageError: if the file cannot be written.

    """
    with writing(path) as stream:
        found = _Arrival(stream, task, limit=size)
        found.read(transport, url)
        if found.hexdigest() != hex_of(digest):
            raise _mismatch(url, f"has SHA-256 {found.hexdigest()}, the lock says {hex_of(digest)}")
        if size is not None and found.received != size:
            raise _mismatch(url, f"has {found.received} bytes, the lock says {size}")


class _Arrival:
    """The bytes of one file on their way to the disk."""

    def __init__(self, stream: BinaryIO, task: Task, *, limit: int | None) -> None:
        self.received = 0
        self._stream = stream
        self._task = task
        self._limit = limit
        self._hash = hashlib.sha256()

    def read(self, transport: Transport, url: str) -> None:
        """Read to the end of the body, from as many answers as that takes."""
        for attempt in range(1, _ATTEMPTS + 1):
            with transport.stream(url, start=self.received) as chunks:
                try:
                    for chunk in chunks:
                        self._add(chunk, url)
                except NetworkError:
                    if attempt == _ATTEMPTS:
                        raise
                else:
                    return

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def _add(self, chunk: bytes, url: str) -> None:
        self.received += len(chunk)
        if self._limit is not None and self.received > self._limit:
            raise _mismatch(url, f"has more than the {self._limit} bytes that the lock says")
        self._hash.update(chunk)
        self._stream.write(chunk)
        self._task.advance(len(chunk))


def _mismatch(url: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"the file {what}",
        where=redact(url),
        hint="it was changed, or damaged on its way: nothing was kept. Try again; if it was replaced on "
        "purpose, lock again with `lightship lock --upgrade`",
    )
