"""eStargz: gzip layers of which a snapshotter fetches single files when they are read.

To everybody else they are ordinary gzip layers. The format is stargz-snapshotter's `docs/estargz.md`: every
content is gzip members of its own, a table of contents is the tar's last file, and a footer tells where it
begins. The files in front of the landmark are fetched before a container starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import BinaryIO

import msgspec

from lightship.digest import Digest, of_bytes
from lightship.errors import UsageError
from lightship.fs import tar
from lightship.fs.compress import Deflated, MemberGzip, Sink, member
from lightship.fs.entries import Content, Entry, Kind, regular
from lightship.fs.paths import parents
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor
from lightship.oci.record import LayerRecord

CHUNK_SIZE = 4 << 20
"""Bytes of a file that are fetched and checked together, at most: what stargz-snapshotter itself writes."""
TOC_NAME = "stargz.index.json"
PREFETCH, NO_PREFETCH = ".prefetch.landmark", ".no.prefetch.landmark"
TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
UNCOMPRESSED_SIZE = "io.containers.estargz.uncompressed-size"

_MODIFIED = "1980-01-01T00:00:00Z"  # tar.EPOCH
_TYPES = {Kind.FILE: "reg", Kind.DIRECTORY: "dir", Kind.SYMLINK: "symlink", Kind.HARDLINK: "hardlink"}


class TocEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One path of a layer, or a further chunk of a file; sizes and offsets are in bytes.

    `offset` is where the gzip member of a content or chunk begins in the blob. `chunk_size` is left out of
    the last chunk.
    """

    name: str
    type: str
    mode: int
    uid: int
    gid: int
    modtime: str = ""
    size: int = 0
    link_name: str = ""
    digest: str = ""
    offset: int = 0
    chunk_offset: int = 0
    chunk_size: int = 0
    chunk_digest: str = ""


class Toc(msgspec.Struct, frozen=True):
    """The table of contents."""

    version: int
    entries: list[TocEntry]


def write_estargz(entries: Iterable[Entry], out: BinaryIO, first: Collection[str]) -> LayerRecord:
    """Write a layer; entries whose paths are `first` come first, otherwise their order stays.

    Raises:
        IntegrityError: if a content is not what its archive promised.
        UsageError: if an entry has a name that the format uses itself.

    """
    writer = _Writer(out)
    for entry in _arranged(_unreserved(entries), frozenset(first)):
        writer.add(entry)
    return writer.finish()


def footer(toc_offset: int) -> bytes:
    """Make the last 51 bytes: an empty gzip member whose extra field (RFC 1952, 2.3.1.1) has an offset."""
    place = b"%016xSTARGZ" % toc_offset
    field = b"SG" + len(place).to_bytes(2, "little") + place
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(field).to_bytes(2, "little")
    return head + field + b"\x01\0\0\xff\xff" + bytes(8)


class _Writer:
    def __init__(self, out: BinaryIO) -> None:
        self._sink = Sink(out)
        self._gzip = MemberGzip(self._sink)
        self._state = hashlib.sha256()
        self._size = 0
        self._toc: list[TocEntry] = []

    def add(self, entry: Entry) -> None:
        head = tar.header(entry)
        self._tap(head)
        self._gzip.write(head)
        described = _described(entry)
        if entry.content is None or not entry.size:
            self._toc.append(described)
            return
        self._gzip.flush()
        self._toc += self._file(described, entry.content)
        end = tar.padding(entry.size)
        self._tap(end)
        self._gzip.write(end)

    def finish(self) -> LayerRecord:
        self._gzip.flush()
        offset = self._sink.size
        toc = msgspec.json.encode(Toc(1, self._toc))
        file = tar.header(regular(TOC_NAME, toc)) + toc + tar.padding(len(toc)) + tar.END
        self._tap(file)
        self._sink.write(member(file))
        self._sink.write(footer(offset))
        annotations = {TOC_DIGEST: of_bytes(toc), UNCOMPRESSED_SIZE: str(self._size)}
        descriptor = Descriptor(MEDIA_LAYER_GZIP, self._sink.digest, self._sink.size, annotations)
        return LayerRecord(descriptor, Digest(f"sha256:{self._state.hexdigest()}"), self._size)

    def _file(self, described: TocEntry, content: Content) -> list[TocEntry]:
        """Write a content as one chunk or more, and give their entries."""
        whole = hashlib.sha256()

        def tap(data: bytes) -> None:
            self._tap(data)
            whole.update(data)

        # What a wheel holds deflated stays as it is, unless it must be cut.
        if isinstance(content, Deflated) and content.size <= CHUNK_SIZE:
            offsets, digests = [self._sink.size], list[str]()
            self._gzip.transplant(content, tap)
        else:
            offsets, digests = self._chunks(content, tap)
        digest = f"sha256:{whole.hexdigest()}"
        return _chunk_entries(described, digest, offsets, digests or [digest])

    def _chunks(self, content: Content, tap: Callable[[bytes], None]) -> tuple[list[int], list[str]]:
        offsets: list[int] = []
        digests: list[str] = []
        for piece in _pieces(content.chunks()):
            tap(piece)
            offsets.append(self._sink.size)
            digests.append(of_bytes(piece))
            self._sink.write(member(piece))
        return offsets, digests

    def _tap(self, data: bytes) -> None:
        self._state.update(data)
        self._size += len(data)


def _unreserved(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.path in (TOC_NAME, PREFETCH, NO_PREFETCH):
            raise UsageError(
                f"eStargz keeps a file of its own at /{entry.path}",
                where=f"/{entry.path}",
                hint="leave the file out of the image, or build without --format estargz",
            )
        yield entry


def _arranged(entries: Iterable[Entry], first: frozenset[str]) -> Iterator[Entry]:
    """Order entries: prioritized files with the folders they are in, the landmark, everything else."""
    every = list(entries) if first else []
    chosen = _chosen(every, first)
    if chosen:
        yield from (entry for entry in every if entry.path in chosen)
        yield regular(PREFETCH, b"\x0f")
        yield from (entry for entry in every if entry.path not in chosen)
    else:
        yield regular(NO_PREFETCH, b"\x0f")
        yield from every or entries


def _chosen(entries: Iterable[Entry], first: frozenset[str]) -> set[str]:
    """Give the paths of prioritized files, of what their hard links share, and of the folders of both."""
    wanted = [entry for entry in entries if entry.path in first and entry.kind is not Kind.DIRECTORY]
    paths = {entry.path for entry in wanted}
    paths |= {entry.target for entry in wanted if entry.kind is Kind.HARDLINK}
    return paths.union(*(parents(path) for path in paths))


def _described(entry: Entry) -> TocEntry:
    return TocEntry(
        name=f"{entry.path}/" if entry.kind is Kind.DIRECTORY else entry.path,
        type=_TYPES[entry.kind],
        mode=entry.mode,
        uid=entry.uid,
        gid=entry.gid,
        modtime=_MODIFIED,
        size=entry.size,
        link_name=entry.target,
    )


def _chunk_entries(
    described: TocEntry, digest: str, offsets: list[int], digests: list[str]
) -> list[TocEntry]:
    """Give the entries of a file's chunks; only the first one says more than where it is."""
    last = len(offsets) - 1
    further = TocEntry(described.name, "chunk", described.mode, described.uid, described.gid)
    return [
        msgspec.structs.replace(
            further if number else msgspec.structs.replace(described, digest=digest),
            offset=offset,
            chunk_offset=number * CHUNK_SIZE,
            chunk_size=CHUNK_SIZE if number < last else 0,
            chunk_digest=chunk,
        )
        for number, (offset, chunk) in enumerate(zip(offsets, digests, strict=True))
    ]


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes anew, into pieces of CHUNK_SIZE."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) >= CHUNK_SIZE:
            yield bytes(pending[:CHUNK_SIZE])
            del pending[:CHUNK_SIZE]
    if pending:
        yield bytes(pending)
