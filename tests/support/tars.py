"""Tars as other tools write them, hostile ones among them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lightship.digest import Digest, of_bytes
from lightship.oci.model import MEDIA_LAYER_GZIP, Descriptor


def member(
    name: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, **fields: Any
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def folder(name: str, *, mode: int = 0o755, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.DIRTYPE, mode=mode, **fields)


def link(name: str, target: str, *, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=kind, linkname=target)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@dataclass(frozen=True)
class BytesLayer:
    """A layer in memory, whose digests may be untrue."""

    descriptor: Descriptor
    diff_id: Digest
    blob: bytes

    def chunks(self) -> Iterator[bytes]:
        yield self.blob


def layer_of(*members: tuple[tarfile.TarInfo, bytes], diff_id: Digest | None = None) -> BytesLayer:
    tar = tar_of(*members)
    blob = gzip.compress(tar, mtime=0)
    descriptor = Descriptor(MEDIA_LAYER_GZIP, of_bytes(blob), len(blob))
    return BytesLayer(descriptor, diff_id or of_bytes(tar), blob)
