"""What is known of a layer without its bytes."""

from __future__ import annotations

import enum

import msgspec

from lightship.digest import Digest
from lightship.oci.model import MEDIA_LAYER_GZIP, MEDIA_LAYER_ZSTD, Descriptor


class Compression(enum.Enum):
    """How layers are compressed, and laid out for it; the value is part of a layer's cache key."""

    GZIP = "gzip"
    GZIP_SINGLE = "gzip-single-member"
    ZSTD = "zstd-9"
    ESTARGZ = "estargz"

    @property
    def media_type(self) -> str:
        return MEDIA_LAYER_ZSTD if self is Compression.ZSTD else MEDIA_LAYER_GZIP


class LayerRecord(msgspec.Struct, frozen=True):
    """What is known of a layer once it is made; `unpacked` is the size of its tar in bytes."""

    descriptor: Descriptor
    diff_id: Digest
    unpacked: int
