"""A reader of eStargz that follows stargz-snapshotter's docs/estargz.md, and nothing of ours."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from dataclasses import dataclass
from typing import Any

FOOTER = 51
CHUNK = 4 << 20
TOC = "stargz.index.json"
PREFETCH, NO_PREFETCH = ".prefetch.landmark", ".no.prefetch.landmark"


@dataclass(frozen=True)
class Lazy:
    """What a lazy reader sees of a layer; `offset` is where its table of contents begins."""

    blob: bytes
    offset: int
    toc: bytes
    entries: list[dict[str, Any]]

    def file(self, name: str) -> bytes:
        """Read one file by its chunks, each checked."""
        chunks = [entry for entry in self.entries if entry["name"] == name]
        size = chunks[0].get("size", 0)
        data = b""
        for chunk in chunks if size else []:
            assert chunk.get("chunkOffset", 0) == len(data)
            part = begin(self.blob, chunk["offset"])[: chunk.get("chunkSize") or size - len(data)]
            assert sha256(part) == chunk["chunkDigest"]
            data += part
        assert len(data) == size
        assert not size or sha256(data) == chunks[0]["digest"]
        return data


def read(blob: bytes) -> Lazy:
    """Go from the footer to the table of contents."""
    end = blob[-FOOTER:]
    assert end[:16] == b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0"
    assert end[32:] == b"STARGZ\x01\0\0\xff\xff" + bytes(8)
    assert gzip.decompress(end) == b""
    offset = int(end[16:32], 16)
    with tarfile.open(fileobj=io.BytesIO(begin(blob[:-FOOTER], offset))) as tar:
        (member,) = tar.getmembers()
        assert member.name == TOC
        stream = tar.extractfile(member)
        assert stream is not None
        toc = stream.read()
    document = json.loads(toc)
    assert document["version"] == 1
    return Lazy(blob, offset, toc, document["entries"])


def begin(blob: bytes, offset: int) -> bytes:
    """Decompress the one gzip member that begins at an offset."""
    inflater = zlib.decompressobj(31)
    data = inflater.decompress(blob[offset:])
    assert inflater.eof
    return data


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


def check(blob: bytes) -> Lazy:
    """Hold what a lazy reader sees against what everybody else reads."""
    lazy = read(blob)
    files = [entry for entry in lazy.entries if entry["type"] != "chunk"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob)), encoding="utf-8") as tar:
        *members, toc = tar.getmembers()
        assert toc.name == TOC
        assert [entry["name"].removesuffix("/") for entry in files] == [member.name for member in members]
        for entry, member in zip(files, members, strict=True):
            assert entry["type"] == TYPES[member.type]
            assert (entry["mode"], entry["uid"], entry["gid"]) == (member.mode, member.uid, member.gid)
            assert (entry.get("linkName", ""), entry.get("size", 0)) == (member.linkname, member.size)
            assert entry["modtime"] == "1980-01-01T00:00:00Z"
            if member.isreg() and not member.linkname:
                stream = tar.extractfile(member)
                assert stream is not None
                assert lazy.file(entry["name"]) == stream.read()
    offsets = [entry["offset"] for entry in lazy.entries if "offset" in entry]
    assert offsets == sorted(set(offsets))
    landmarks = [entry["name"] for entry in files if entry["name"] in (PREFETCH, NO_PREFETCH)]
    assert len(landmarks) == 1
    assert lazy.file(landmarks[0]) == b"\x0f"
    return lazy
