"""Reads tables of contents of eStargz layers, whoever wrote them, and single files by them.

The format is stargz-snapshotter's `docs/estargz.md`. A part of a blob cannot be checked by the blob's digest;
the table can, by the annotation of the layer's descriptor, and every chunk of a file by the table.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from lightship.decoders import from_json
from lightship.digest import Digest, of_bytes, parse_digest
from lightship.errors import IntegrityError
from lightship.fs.untar import Member, read_tar
from lightship.oci.estargz import TOC_DIGEST, TOC_NAME, UNCOMPRESSED_SIZE, footer
from lightship.oci.model import Descriptor

Part = Callable[[int, int], bytes]
"""Gives a blob's bytes from one offset up to but without another."""
LARGEST = 64 << 20
"""Bytes of a table, unpacked, above which it is not read."""
ANNOTATIONS = (TOC_DIGEST, UNCOMPRESSED_SIZE)
"""What a layer's descriptor says of its table."""
_FOOTER = len(footer(0))
_PLACE = slice(16, 32)
_TAIL = (1 << 14, 1 << 18)
"""Bytes that are fetched at once in the hope that they hold the whole table: at least, and at most."""
_COUNT = re.compile(r"[0-9]{1,18}")


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of a table: a path, or a further chunk of the file before it; `mode` is that of a tar."""

    name: str
    type: str
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    modtime: str = ""
    link_name: str = ""
    digest: str = ""
    offset: int = 0
    inner_offset: int = 0
    chunk_offset: int = 0
    chunk_size: int = 0
    chunk_digest: str = ""


@dataclass(frozen=True, order=True, slots=True)
class Chunk:
    """A piece of a file: its gzip member lies from `start` to `end`; `skip` bytes of that are others'."""

    start: int
    end: int
    skip: int
    size: int
    digest: str

    def unpack(self, data: bytes) -> bytes:
        """Inflate the bytes from `start` to `end`, and check what comes out.

        Raises:
            IntegrityError: it is not what the table says.

        """
        inflater = zlib.decompressobj(31)
        try:
            found = inflater.decompress(data, self.skip + self.size)[self.skip :] if self.size else b""
        except zlib.error as error:
            raise _damaged(f"a file does not decompress: {error}") from error
        if of_bytes(found) != self.digest:
            raise _damaged("a file is not what the table of contents says")
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """A table of contents: `own` is its file, `end` where that begins; `unpacked` is the size of the tar."""

    entries: tuple[Listed, ...]
    end: int
    own: Member
    unpacked: int

    def files(self) -> Iterator[tuple[Listed, tuple[Chunk, ...]]]:
        """Yield every path with the chunks of its content, in the order of the tar.

        Raises:
            IntegrityError: the table contradicts itself.

        """
        ends = self._ends()
        entry: Listed | None = None
        chunks: list[Listed] = []
        for item in self.entries:
            if item.type == "chunk":
                chunks.append(item)
                continue
            if entry is not None:
                yield entry, tuple(_chunks(entry, chunks, ends))
            entry, chunks = item, [item] if item.type == "reg" and item.size else []
        if entry is not None:
            yield entry, tuple(_chunks(entry, chunks, ends))

    def _ends(self) -> dict[int, int]:
        """Say of each offset at which a member begins, where the next one does."""
        offsets = sorted({item.offset for item in self.entries if item.type in ("reg", "chunk")})
        return dict(zip(offsets, (*offsets[1:], self.end), strict=True))


def has_table(descriptor: Descriptor) -> bool:
    """Tell whether a layer says that it has a table whose content can be checked."""
    said = descriptor.annotations
    return TOC_DIGEST in said and bool(_COUNT.fullmatch(said.get(UNCOMPRESSED_SIZE, "")))


def of_toc(descriptor: Descriptor) -> Digest:
    """Give the digest of a layer's table."""
    return parse_digest(descriptor.annotations[TOC_DIGEST])


def read_table(descriptor: Descriptor, part: Part) -> Table:
    """Read the table at the end of a layer that has one.

    Raises:
        IntegrityError: there is none, or not the one whose digest the descriptor has.

    """
    size = descriptor.size
    begin = max(0, size - min(max(size >> 6, _TAIL[0]), _TAIL[1]))
    tail = part(begin, size)
    place = tail[-_FOOTER:][_PLACE]
    end = int(place, 16) if re.fullmatch(rb"[0-9a-f]{16}", place) else -1
    if end < 0 or end > size - _FOOTER or tail[-_FOOTER:] != footer(end):
        raise _damaged("the layer has no footer of eStargz")
    if end < begin:
        tail = part(end, begin) + tail
        begin = end
    own, data = _file(_inflated(tail[end - begin : -_FOOTER]))
    if of_bytes(data) != descriptor.annotations[TOC_DIGEST]:
        raise _damaged("the table of contents is another one")
    try:
        entries = from_json(data, _Document).entries
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(f"the table of contents cannot be read: {error}") from error
    return Table(entries, end, own, int(descriptor.annotations[UNCOMPRESSED_SIZE]))


class _Document(msgspec.Struct, frozen=True):
    entries: tuple[Listed, ...]


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj(31)
    try:
        found = inflater.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise _damaged(f"the table of contents does not decompress: {error}") from error
    if len(found) > LARGEST:
        raise _damaged(f"the table of contents has more than {LARGEST:,} bytes")
    return found


def _file(tar: bytes) -> tuple[Member, bytes]:
    for member in read_tar([tar], archive="the table of contents"):
        if member.path == TOC_NAME:
            return member, b"".join(member.chunks())
    raise _damaged("where the table of contents should be, there is none")


def _chunks(entry: Listed, chunks: list[Listed], ends: dict[int, int]) -> Iterator[Chunk]:
    at = 0
    for chunk in chunks:
        size = chunk.chunk_size or entry.size - at
        # A writer that cuts nothing may leave the only chunk's digest out.
        digest = chunk.chunk_digest or (entry.digest if len(chunks) == 1 else "")
        if (
            chunk.chunk_offset != at
            or size < 0
            or not 0 <= chunk.inner_offset <= LARGEST
            or chunk.offset not in ends
        ):
            raise _damaged(f"the table of contents contradicts itself about {entry.name!r}")
        yield Chunk(chunk.offset, ends[chunk.offset], chunk.inner_offset, size, digest)
        at += size
    if at != (entry.size if entry.type == "reg" else 0):
        raise _damaged(f"the table of contents does not have all of {entry.name!r}")


def sha256_of(entry: Listed) -> bytes | None:
    """Give the SHA-256 of a file's content, if the table has it."""
    if not entry.size:
        return hashlib.sha256().digest()
    kind, _, text = entry.digest.partition(":")
    return bytes.fromhex(text) if kind == "sha256" and re.fullmatch("[0-9a-f]{64}", text) else None


def _damaged(what: str) -> IntegrityError:
    return IntegrityError(what, hint="build and push the image again")
