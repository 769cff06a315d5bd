"""Layers written to memory, and read by others' decompressors."""

from __future__ import annotations

import gzip
import io
import subprocess
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping

import zstandard
from isal import igzip

from lightship.fs.entries import Entry
from lightship.oci.blob import write_layer
from lightship.oci.record import Compression, LayerRecord


def layer(
    entries: Iterable[Entry], compression: Compression = Compression.GZIP, first: Collection[str] = ()
) -> tuple[bytes, LayerRecord]:
    buffer = io.BytesIO()
    record = write_layer(entries, buffer, compression, first)
    return buffer.getvalue(), record


def plain(blob: bytes, compression: Compression = Compression.GZIP) -> bytes:
    return unzstd(blob) if compression is Compression.ZSTD else gzip.decompress(blob)


def unzstd(blob: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(blob) as reader:
        return reader.read()


def isal_gunzip(blob: bytes) -> bytes:
    return bytes(igzip.decompress(blob))  # type: ignore[no-untyped-call]


def members(blob: bytes) -> list[bytes]:
    """What each member of a gzip file holds, by zlib (RFC 1952)."""
    found = []
    while blob:
        inflater = zlib.decompressobj(31)
        found.append(inflater.decompress(blob) + inflater.flush())
        assert inflater.eof
        blob = inflater.unused_data
    return found


def command(*arguments: str) -> Callable[[bytes], bytes]:
    def run(blob: bytes) -> bytes:
        done = subprocess.run(["/usr/bin/env", *arguments], input=blob, check=True, capture_output=True)
        assert done.stderr == b""
        return done.stdout

    return run


GZIP_READERS: Mapping[str, Callable[[bytes], bytes]] = {
    "the standard library": gzip.decompress,
    "zlib": lambda blob: b"".join(members(blob)),
    "ISA-L": isal_gunzip,
    "GNU gzip": command("gzip", "-dc"),
}
