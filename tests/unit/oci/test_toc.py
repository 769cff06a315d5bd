from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from lightship.digest import of_bytes
from lightship.errors import IntegrityError
from lightship.fs import tar
from lightship.fs.entries import directory, regular
from lightship.oci.blob import write_layer
from lightship.oci.estargz import CHUNK_SIZE, TOC_DIGEST, TOC_NAME, UNCOMPRESSED_SIZE, footer
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor
from lightship.oci.record import Compression
from lightship.oci.toc import Part, Table, has_table, read_table, sha256_of

BIG = bytes(range(256)) * (CHUNK_SIZE // 256) + b"a further chunk"
FILES = {"demo/small": b"text", "demo/empty": b"", "demo/big": BIG}


def parts(blob: bytes) -> Part:
    return lambda start, end: blob[start:end]


def written() -> tuple[bytes, Descriptor]:
    out = io.BytesIO()
    entries = [directory("demo"), *(regular(path, data) for path, data in FILES.items())]
    record = write_layer(entries, out, Compression.ESTARGZ)
    return out.getvalue(), record.descriptor


def made(entries: list[dict[str, Any]], contents: bytes = b"") -> tuple[bytes, Descriptor]:
    """Write a layer as somebody else may, with a table of any content."""
    toc = json.dumps({"version": 1, "entries": entries}).encode()
    file = tar.header(regular(TOC_NAME, toc)) + toc + tar.padding(len(toc)) + tar.END
    blob = contents + gzip.compress(file) + footer(len(contents))
    said = {TOC_DIGEST: of_bytes(toc), UNCOMPRESSED_SIZE: "4096"}
    return blob, Descriptor(MEDIA_LAYER_GZIP, of_bytes(blob), len(blob), said)


def contents(table: Table, blob: bytes) -> dict[str, bytes]:
    return {
        entry.name: b"".join(chunk.unpack(blob[chunk.start : chunk.end]) for chunk in chunks)
        for entry, chunks in table.files()
        if entry.type == "reg" and not entry.name.startswith(".")
    }


def test_files_are_read_by_the_table() -> None:
    blob, descriptor = written()
    assert has_table(descriptor)
    table = read_table(descriptor, parts(blob))
    assert contents(table, blob) == FILES
    digests = {entry.name: sha256_of(entry) for entry, _ in table.files() if entry.type == "reg"}
    expected = {path: bytes.fromhex(of_bytes(data).partition(":")[2]) for path, data in FILES.items()}
    assert expected.items() <= digests.items()
    assert table.own.path == TOC_NAME


def test_no_more_is_fetched_than_the_end_of_the_layer() -> None:
    blob, descriptor = written()
    asked = []

    def part(start: int, end: int) -> bytes:
        asked.append((start, end))
        return blob[start:end]

    many = [{"name": f"{number:064}", "type": "dir"} for number in range(3000)]
    long, described = made(many, bytes(1 << 20))
    read_table(descriptor, part)
    assert asked == [(len(blob) - min(1 << 14, len(blob)), len(blob))]
    table = read_table(described, parts(long))
    assert len(table.entries) == 3000


def test_small_files_that_share_a_member_are_told_apart() -> None:
    """Writers with a least size of chunks put several files into one gzip member (`innerOffset`)."""
    member = gzip.compress(b"first, second")
    entries = [
        {
            "name": name,
            "type": "reg",
            "size": len(data),
            "offset": 0,
            "innerOffset": at,
            "chunkDigest": of_bytes(data),
        }
        for name, at, data in (("one", 0, b"first"), ("two", 7, b"second"))
    ]
    blob, descriptor = made(entries, member)
    assert contents(read_table(descriptor, parts(blob)), blob) == {"one": b"first", "two": b"second"}


ONE = {"name": "one", "type": "reg", "size": 5, "offset": 0, "chunkDigest": of_bytes(b"first")}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ONE, "chunkDigest": of_bytes(b"other")}, "a file is not what the table of contents says"),
        ({**ONE, "chunkSize": 3}, "does not have all of 'one'"),
        ({**ONE, "chunkOffset": 3}, "contradicts itself about 'one'"),
        ({**ONE, "innerOffset": 1 << 40}, "contradicts itself about 'one'"),
        ({**ONE, "size": 1, "chunkSize": -4}, "contradicts itself about 'one'"),
    ],
)
def test_a_table_that_lies_is_refused(entry: dict[str, Any], words: str) -> None:
    blob, descriptor = made([entry], gzip.compress(b"first"))
    with pytest.raises(IntegrityError, match=words):
        contents(read_table(descriptor, parts(blob)), blob)


def damaged_content(blob: bytes) -> bytes:
    return b"\0" * 20 + blob[20:]


def damaged_table(blob: bytes) -> bytes:
    return blob[:-90] + b"\0" * 39 + blob[-51:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (damaged_content, "a file does not decompress"),
        (damaged_table, "does not decompress|another one|is damaged|truncated"),
        (lambda blob: blob[:-1] + b"\1", "the layer has no footer of eStargz"),
        (lambda blob: blob[:-51] + footer(len(blob)), "the layer has no footer of eStargz"),
    ],
)
def test_a_damaged_layer_is_refused(change: Callable[[bytes], bytes], words: str) -> None:
    blob, descriptor = made([ONE], gzip.compress(b"first"))
    blob = change(blob)
    with pytest.raises(IntegrityError, match=words):
        contents(read_table(descriptor, parts(blob)), blob)


def test_a_layer_whose_table_nothing_proves_has_none() -> None:
    _, descriptor = written()
    assert not has_table(replace(descriptor, annotations={}))
    assert not has_table(replace(descriptor, annotations={**descriptor.annotations, UNCOMPRESSED_SIZE: "-1"}))
