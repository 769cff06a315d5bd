"""Blobs of a repository, read whole or in part (distribution spec, "Pulling blobs")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lightship.digest import hex_of
from lightship.errors import IntegrityError, NetworkError
from lightship.events import Task
from lightship.fs.atomic import writing
from lightship.net.connections import HttpError
from lightship.net.ranges import cut, range_header, skip_of
from lightship.net.redact import redact
from lightship.oci.model import Descriptor
from lightship.registry.address import Repository
from lightship.registry.answers import missing
from lightship.registry.exchange import LARGEST_DOCUMENT, PassingError, finish, passing
from lightship.registry.wire import Call, Wire


def has_blob(wire: Wire, repository: Repository, descriptor: Descriptor, *, writes: bool = False) -> bool:
    """Ask whether a repository has a blob; one of another size counts as none.

    `writes` asks with the rights to push it there if not.
    """
    path = f"blobs/{descriptor.digest}"
    answer = wire.read(
        Call(method="HEAD", repository=repository, path=path, accepted=(200, 404), writes=writes)
    )
    size = str(descriptor.size)
    return answer.status == 200 and answer.headers.get("Content-Length", size) == size


@contextmanager
def open_blob(
    wire: Wire, repository: Repository, descriptor: Descriptor, *, start: int = 0, end: int | None = None
) -> Iterator[Iterator[bytes]]:
    """Yield a blob's bytes from `start` up to but without `end`; they are not checked.

    Raises:
        NetworkError: it is not there, or cannot be read.
        PassingError: it breaks off.

    """
    call = Call(
        method="GET",
        repository=repository,
        path=f"blobs/{descriptor.digest}",
        headers=range_header(start, end),
        accepted=(200, 206, 404),
    )
    with closing(wire.open(call)) as stream:
        where = redact(stream.url)
        if stream.status == 404:
            raise missing(f"blob {descriptor.digest}", repository, finish(stream))
        skip = skip_of(stream.status, stream.headers.get("Content-Range", ""), start, where=where)
        try:
            yield cut(stream.iter_raw(), skip=skip, length=None if end is None else end - start)
        except HttpError as error:
            raise passing(wire.sender.failure(stream.url, error)) from error


def blob_chunks(wire: Wire, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
    """Yield a blob whole, checked when its end is reached; what breaks off is taken up where it ended.

    Raises:
        NetworkError: it is not there, cannot be read, or breaks off again and again.
        IntegrityError: it has not the digest or the size that the descriptor says.

    """
    state, received, failures = hashlib.sha256(), 0, 0
    complete = False
    while not complete:
        before = received
        try:
            with open_blob(wire, repository, descriptor, start=received) as chunks:
                for chunk in chunks:
                    received += len(chunk)
                    if received > descriptor.size:
                        raise _mismatch(repository, descriptor, f"more than {descriptor.size} bytes")
                    state.update(chunk)
                    yield chunk
            complete = True
        except PassingError:
            failures = failures + 1 if received == before else 1
            if not wire.sender.backoff.wait(failures):
                raise
    if received < descriptor.size:
        raise _mismatch(repository, descriptor, f"{received} bytes, not {descriptor.size}")
    if state.hexdigest() != hex_of(descriptor.digest):
        raise _mismatch(repository, descriptor, f"SHA-256 {state.hexdigest()}")


def read_part(wire: Wire, repository: Repository, descriptor: Descriptor, start: int, end: int) -> bytes:
    """Read a blob's bytes from `start` up to but without `end`; they are not checked.

    Raises:
        NetworkError: they cannot be read, break off again and again, or end too soon.

    """
    data, failures = bytearray(), 0
    while True:
        before = len(data)
        try:
            with open_blob(wire, repository, descriptor, start=start + before, end=end) as chunks:
                for chunk in chunks:
                    data += chunk
        except PassingError:
            failures = failures + 1 if len(data) == before else 1
            if not wire.sender.backoff.wait(failures):
                raise
            continue
        if len(data) == end - start:
            return bytes(data)
        raise NetworkError(
            f"the registry sent {len(data)} bytes of a blob, not {end - start}",
            where=f"{repository}@{descriptor.digest}",
            hint="push the image again",
        )


def read_blob(wire: Wire, repository: Repository, descriptor: Descriptor) -> bytes:
    """Read a small blob whole, such as an image's configuration.

    Raises:
        NetworkError: as `blob_chunks` does.
        IntegrityError: as `blob_chunks` does, and for one too large to be a document.

    """
    if descriptor.size > LARGEST_DOCUMENT:
        raise IntegrityError(
            f"a configuration of {descriptor.size} bytes is none", where=str(repository), hint="push it again"
        )
    return b"".join(blob_chunks(wire, repository, descriptor))


def fetch_blob(wire: Wire, repository: Repository, descriptor: Descriptor, path: Path, task: Task) -> None:
    """Write a blob to `path` if, and only if, it is what the descriptor says; `task` advances by bytes.

    Raises:
        NetworkError: as `blob_chunks` does.
        IntegrityError: as `blob_chunks` does.
        StageError: the file cannot be written.

    """
    with writing(path) as stream:
        for chunk in blob_chunks(wire, repository, descriptor):
            stream.write(chunk)
            task.advance(len(chunk))


def _mismatch(repository: Repository, descriptor: Descriptor, what: str) -> IntegrityError:
    return IntegrityError(
        f"the registry sent a blob that has {what}",
        where=f"{repository}@{descriptor.digest}",
        hint="it was damaged on its way, or in the registry: nothing was kept. Try again, then push it again",
    )
