"""Entries become a layer blob."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from typing import BinaryIO

from lightship.digest import Digest
from lightship.fs import tar
from lightship.fs.compress import SMALL, Compressor, Deflated, MemberGzip, Sink, single_gzip, zstd
from lightship.fs.entries import Entry
from lightship.oci.estargz import write_estargz
from lightship.oci.model import Descriptor
from lightship.oci.record import Compression, LayerRecord


def write_layer(
    entries: Iterable[Entry], out: BinaryIO, compression: Compression, first: Collection[str] = ()
) -> LayerRecord:
    """Write entries, in their order, as a compressed tar; in eStargz, those whose paths are `first` lead.

    Raises:
        IntegrityError: if a content is not what its archive promised.
        UsageError: if eStargz has another use for a file's name.

    """
    if compression is Compression.ESTARGZ:
        return write_estargz(entries, out, first)
    sink = Sink(out)
    writer = _Writer(_COMPRESSORS[compression](sink))
    for entry in entries:
        writer.add(entry)
    writer.finish()
    descriptor = Descriptor(compression.media_type, sink.digest, sink.size)
    return LayerRecord(descriptor, writer.digest, writer.size)


class _Writer:
    """Hashes the tar on its way to the compressor."""

    def __init__(self, compressor: Compressor) -> None:
        self._compressor = compressor
        self._state = hashlib.sha256()
        self.size = 0

    def add(self, entry: Entry) -> None:
        content = entry.content
        head = tar.header(entry)
        if content is None:
            self._write(head)
        elif content.size < SMALL:
            self._write(b"".join((head, *content.chunks(), tar.padding(content.size))))
        elif isinstance(content, Deflated):
            self._write(head)
            self._compressor.transplant(content, self._tap)
            self._write(tar.padding(content.size))
        else:
            self._write(head)
            for chunk in content.chunks():
                self._write(chunk)
            self._write(tar.padding(content.size))

    def finish(self) -> None:
        self._write(tar.END)
        self._compressor.finish()

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self._state.hexdigest()}")

    def _write(self, data: bytes) -> None:
        self._tap(data)
        self._compressor.write(data)

    def _tap(self, data: bytes) -> None:
        self._state.update(data)
        self.size += len(data)


_COMPRESSORS: dict[Compression, Callable[[Sink], Compressor]] = {
    Compression.GZIP: MemberGzip,
    Compression.GZIP_SINGLE: single_gzip,
    Compression.ZSTD: zstd,
}
