"""Blobs sent to a repository (distribution spec, "Pushing blobs").

A small blob goes in one request. A larger one goes as Docker's client sends it, in one PATCH for which a
session is opened and closed; where that breaks off, the registry is asked how far it got, and the rest
follows as a chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from lightship.digest import CHUNK, of_chunks
from lightship.errors import IntegrityError, NetworkError
from lightship.events import Task
from lightship.net.redact import redact
from lightship.oci.model import Descriptor
from lightship.registry.address import Repository
from lightship.registry.answers import has_code
from lightship.registry.auth import pulling, pushing
from lightship.registry.blobs import has_blob
from lightship.registry.exchange import Answer, PassingError, passing
from lightship.registry.wire import Call, Wire

SMALL = 1 << 20
"""Bytes of a blob that is sent again whole, rather than asked about."""

PIECE = 32 << 20
"""Bytes of a chunk where a proxy refuses a request for its size."""


class Readable(Protocol):
    """Bytes that are read from where one seeks to."""

    def seek(self, offset: int, /) -> int: ...

    def read(self, size: int, /) -> bytes: ...


Open = Callable[[], AbstractContextManager[Readable]]


class _Session(Struct, frozen=True):
    """An upload under way: where it goes on, and how many bytes the registry has."""

    location: str
    offset: int = 0


def mount_blob(wire: Wire, repository: Repository, descriptor: Descriptor, source: Repository) -> str | None:
    """Have the registry take a blob over from another of its repositories.

    Returns None when it is there, else the location of the upload session that the registry opened instead.
    """
    call = Call(
        method="POST",
        repository=repository,
        path=f"blobs/uploads/?mount={quote(descriptor.digest, safe='')}&from={quote(source.name, safe='')}",
        accepted=(201, 202),
        writes=True,
        scopes=(*pushing(repository), *pulling(source)),
    )
    answer = wire.read(call)
    return None if answer.status == 201 else _location(answer, wire.origin(repository))


def upload_blob(
    wire: Wire,
    repository: Repository,
    descriptor: Descriptor,
    opened: Open,
    task: Task,
    *,
    location: str = "",
) -> None:
    """Send a blob, which `opened` reads from its begin; `task` advances by its bytes.

    Args:
        wire: speaks with the registry.
        repository: where to.
        descriptor: what it is.
        opened: opens the blob for each time that it is read.
        task: is told of bytes once, even where they are sent again.
        location: of a session that is open already.

    Raises:
        NetworkError: not allowed, or it failed again and again.
        IntegrityError: the blob is not what the descriptor says.

    """
    _Upload(wire, repository, descriptor, opened, _Once(task), location).run()


class _Once:
    """Advances a task by what was not reported before."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._reported = 0

    def reach(self, offset: int) -> None:
        if offset > self._reported:
            self._task.advance(offset - self._reported)
            self._reported = offset


class _Upload:
    """One blob on its way, over as many sessions and requests as that takes."""

    def __init__(
        self,
        wire: Wire,
        repository: Repository,
        descriptor: Descriptor,
        opened: Open,
        progress: _Once,
        location: str,
    ) -> None:
        self._wire = wire
        self._repository = repository
        self._descriptor = descriptor
        self._opened = opened
        self._progress = progress
        self._session = _Session(location) if location else None
        self._piece = descriptor.size

    def run(self) -> None:
        failures, furthest = 0, 0
        while True:
            try:
                self._attempt()
            except PassingError as error:
                reached = self._session.offset if self._session is not None else 0
                failures, furthest = (1, reached) if reached > furthest else (failures + 1, furthest)
                if not self._wire.sender.backoff.wait(failures, error.retry_after):
                    raise
                if has_blob(self._wire, self._repository, self._descriptor, writes=True):
                    break  # it was the answer that got lost
                self._look()
            else:
                break
        self._progress.reach(self._descriptor.size)

    def _attempt(self) -> None:
        """Send what the registry does not have yet."""
        if self._session is None:
            self._session = self._begin()
        if self._descriptor.size > SMALL:
            while self._session.offset < self._descriptor.size:
                self._session = self._patch(self._session)
        self._close(self._session)

    def _begin(self) -> _Session:
        answer = self._wire.read(
            Call(
                method="POST",
                repository=self._repository,
                path="blobs/uploads/",
                accepted=(202,),
                writes=True,
            )
        )
        return _Session(_location(answer, self._wire.origin(self._repository)))

    def _patch(self, session: _Session) -> _Session:
        """Send a chunk; the whole rest, unless something between here and there refuses as much."""
        end = min(session.offset + self._piece, self._descriptor.size)
        headers = {"Content-Type": "application/octet-stream"}
        if end - session.offset < self._descriptor.size:
            headers["Content-Range"] = f"{session.offset}-{end - 1}"
        call = self._call("PATCH", session.location, headers, (202, 204, 404, 413, 416), session.offset, end)
        answer = self._wire.read(call)
        if answer.status == 413 and self._piece > PIECE:
            self._piece = PIECE
            return self._begin()
        if answer.status in (404, 416):
            self._session = None
            raise passing(self._wire.error(call, answer))
        if answer.status == 413:
            raise self._wire.error(call, answer)
        return _Session(_location(answer, self._wire.origin(self._repository)), end)

    def _close(self, session: _Session) -> None:
        """Send the rest with the digest, which ends the session."""
        joint = "&" if urlsplit(session.location).query else "?"
        url = f"{session.location}{joint}digest={quote(self._descriptor.digest, safe='')}"
        headers = {"Content-Type": "application/octet-stream"}
        size = self._descriptor.size
        call = self._call("PUT", url, headers, (201, 204, 400, 404, 416), session.offset, size)
        answer = self._wire.read(call)
        if answer.status in (201, 204):
            return
        self._session = None
        if has_code(answer, "DIGEST_INVALID"):
            self._check()
        raise passing(self._wire.error(call, answer))

    def _check(self) -> None:
        """Find out on which side a blob was damaged."""
        with self._opened() as stream:
            found = of_chunks(iter(lambda: stream.read(CHUNK), b""))
        if found != self._descriptor.digest:
            raise IntegrityError(
                f"a blob of the image is damaged: its digest is {found}",
                where=self._descriptor.digest,
                hint="build or pull the image again",
            )

    def _call(
        self, method: str, url: str, headers: dict[str, str], accepted: tuple[int, ...], start: int, end: int
    ) -> Call:
        return Call(
            method=method,
            repository=self._repository,
            path=url,
            headers=headers,
            accepted=accepted,
            body=lambda: self._bytes(start, end),
            size=end - start,
            repeated=False,
            slow=True,
            writes=True,
        )

    def _bytes(self, start: int, end: int) -> Iterator[bytes]:
        with self._opened() as stream:
            stream.seek(start)
            while start < end and (chunk := stream.read(min(CHUNK, end - start))):
                yield chunk
                start += len(chunk)
                self._progress.reach(start)

    def _look(self) -> None:
        """Ask how far a session got; where the registry does not say, the next one begins anew."""
        if self._session is None or self._descriptor.size <= SMALL:
            self._session = None
            return
        call = Call(
            method="GET",
            repository=self._repository,
            path=self._session.location,
            accepted=(202, 204, 400, 404, 405, 416),
            writes=True,
        )
        answer = self._wire.read(call)
        offset = _received(answer)
        if offset is None or offset > self._descriptor.size:
            self._session = None
            return
        moved = "Location" in answer.headers
        origin = self._wire.origin(self._repository)
        self._session = _Session(_location(answer, origin) if moved else self._session.location, offset)


def _received(answer: Answer) -> int | None:
    """Bytes that a session has: `Range: 0-N`, N the last; registries write 0-0 for none, too."""
    first, dash, last = answer.headers.get("Range", "").removeprefix("bytes=").partition("-")
    if answer.status not in (202, 204) or first != "0" or not dash or not last.isdecimal():
        return None
    return int(last) + 1 if int(last) else 0


def _location(answer: Answer, base: str) -> str:
    """Where a session goes on; the registry's own host is spoken to as it was before.

    Raises:
        NetworkError: the answer does not say, or leads away from TLS.

    """
    given = answer.headers.get("Location", "")
    url = urljoin(answer.url, given)
    ours, parts = urlsplit(base), urlsplit(url)
    if not given or parts.scheme not in ("http", "https"):
        raise NetworkError("the registry opened no upload", where=redact(answer.url), hint="ask its operator")
    if parts.netloc == ours.netloc:
        return parts._replace(scheme=ours.scheme).geturl()
    if ours.scheme == "https" and parts.scheme != "https":
        raise NetworkError(
            "the registry wants the upload without TLS", where=redact(url), hint="ask its operator"
        )
    return url
