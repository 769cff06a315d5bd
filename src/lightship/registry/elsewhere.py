"""Blobs of an image that lie in a registry alone: fetched when they are wanted, or read from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from lightship.digest import Digest
from lightship.errors import IntegrityError, LostBlobError, NetworkError
from lightship.events import Reporter, Task
from lightship.oci.layout import Layout
from lightship.oci.model import Descriptor
from lightship.registry.address import Repository
from lightship.registry.blobs import fetch_blob, open_blob
from lightship.registry.exchange import PassingError
from lightship.registry.transfer import StoppedError, in_parallel
from lightship.registry.wire import Wire

Elsewhere = Mapping[Digest, Sequence[Repository]]
"""Where blobs are that a layout lacks: repositories, the likeliest first."""


def absent_blobs(layout: Layout, blobs: Iterable[Descriptor]) -> list[Descriptor]:
    """List those that a layout lacks, each once."""
    each = {blob.digest: blob for blob in blobs}
    return [blob for blob in each.values() if not layout.has(blob.digest, blob.size)]


def fetch_absent(
    wire: Wire, layout: Layout, blobs: Iterable[Descriptor], elsewhere: Elsewhere, reporter: Reporter
) -> int:
    """Fetch blobs that a layout lacks, each from the first repository that has it; gives their bytes.

    Raises:
        LostBlobError: if no repository that is known has one of them, as its digest says.
        StageError: the layout cannot be written.

    """
    missing = absent_blobs(layout, blobs)

    def fetch(blob: Descriptor, task: Task) -> None:
        with _lost(blob):
            _fetch(wire, layout, blob, elsewhere.get(blob.digest, ()), task)

    total = sum(blob.size for blob in missing)
    if missing:
        with reporter.task("fetching layers", total) as task:
            in_parallel(fetch, sorted(missing, key=lambda blob: -blob.size), task)
    return total


def _fetch(wire: Wire, layout: Layout, blob: Descriptor, places: Sequence[Repository], task: Task) -> None:
    if not places:
        raise IntegrityError("nobody knows where it is", where=str(layout.blob_path(blob.digest)))
    for repository in places[:-1]:
        try:
            return fetch_blob(wire, repository, blob, layout.blob_path(blob.digest), task)
        except StoppedError:
            raise
        except (NetworkError, IntegrityError):
            continue
    return fetch_blob(wire, places[-1], blob, layout.blob_path(blob.digest), task)


@contextmanager
def _lost(blob: Descriptor) -> Iterator[None]:
    try:
        yield
    except StoppedError:
        raise  # it is not this one's fault
    except (NetworkError, IntegrityError) as error:
        raise lost(blob, error) from error


def lost(blob: Descriptor, error: NetworkError | IntegrityError) -> LostBlobError:
    """Say of a blob why it cannot be had."""
    return LostBlobError(
        f"a layer of the image cannot be had: {error.message}",
        where=error.where or blob.digest,
        hint="build the image again: without the cache it is made anew",
        detail=error.detail,
    )


class BlobFile:
    """A blob of a repository as a file: read from where one seeks to, in memory only piece by piece.

    Whoever takes the bytes checks the digest; here they are what the registry sends.
    """

    def __init__(self, wire: Wire, repository: Repository, descriptor: Descriptor) -> None:
        self._wire = wire
        self._repository = repository
        self._descriptor = descriptor
        self._position = 0
        self._rest = b""
        self._chunks: Iterator[bytes] | None = None
        self._opened = ExitStack()

    def seek(self, offset: int, /) -> int:
        """Go to an offset from the begin."""
        if offset != self._position:
            self.close()
            self._position = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end.

        Raises:
            LostBlobError: if they cannot be had.

        """
        if not self._rest:
            with _lost(self._descriptor):
                self._rest = self._next()
        piece, self._rest = self._rest[:size], self._rest[size:]
        self._position += len(piece)
        return piece

    def close(self) -> None:
        """End the transfer, if one is under way."""
        self._opened.close()
        self._chunks, self._rest = None, b""

    def _next(self) -> bytes:
        failures = 0
        while self._position < self._descriptor.size:
            try:
                return next(self._started(), b"")
            except PassingError:
                self.close()
                failures += 1
                if not self._wire.sender.backoff.wait(failures):
                    raise
        return b""

    def _started(self) -> Iterator[bytes]:
        if self._chunks is None:
            blob = open_blob(self._wire, self._repository, self._descriptor, start=self._position)
            self._chunks = self._opened.enter_context(blob)
        return self._chunks
