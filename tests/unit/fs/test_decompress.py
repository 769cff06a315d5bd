from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
import zstandard

from lightship.errors import IntegrityError
from lightship.fs.decompress import PIECE, decompress
from lightship.oci.model import MEDIA_LAYER_GZIP, MEDIA_LAYER_TAR, MEDIA_LAYER_ZSTD

TEXT = [b"one" * 1000, b"", b"two" * 200_000]


def pieces(data: bytes, size: int = 333) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


def inflate(data: bytes, media_type: str) -> bytes:
    return b"".join(decompress(pieces(data), media_type, archive="layer"))


@pytest.mark.parametrize(
    "media_type", [MEDIA_LAYER_GZIP, "application/vnd.docker.image.rootfs.diff.tar.gzip"]
)
def test_gzip_of_many_members_is_one_stream(media_type: str) -> None:
    assert inflate(b"".join(map(gzip.compress, TEXT)), media_type) == b"".join(TEXT)


def test_zstd_of_many_frames_is_one_stream() -> None:
    frames = b"".join(zstandard.ZstdCompressor().compress(text) for text in TEXT)
    assert inflate(frames, MEDIA_LAYER_ZSTD) == b"".join(TEXT)


@pytest.mark.parametrize("media_type", [MEDIA_LAYER_TAR, "application/vnd.docker.image.rootfs.diff.tar"])
def test_a_plain_tar_is_handed_on(media_type: str) -> None:
    assert inflate(b"plain" * 99, media_type) == b"plain" * 99


def test_a_bomb_is_handed_on_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    assert max(map(len, decompress([bomb], MEDIA_LAYER_GZIP, archive="layer"))) <= PIECE


@pytest.mark.parametrize("kept", [5, 40, -9, -1])
def test_truncated_gzip_is_refused(kept: int) -> None:
    with pytest.raises(IntegrityError, match="does not decompress"):
        inflate(gzip.compress(bytes(range(256)) * 99)[:kept], MEDIA_LAYER_GZIP)


@pytest.mark.parametrize("at", [0, 30, -5])
def test_damaged_gzip_is_refused(at: int) -> None:
    data = bytearray(gzip.compress(bytes(range(256)) * 99))
    data[at] ^= 0x55
    with pytest.raises(IntegrityError, match="does not decompress"):
        inflate(bytes(data), MEDIA_LAYER_GZIP)


def test_damaged_zstd_is_refused() -> None:
    data = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(bytes(range(256)) * 99))
    data[-2] ^= 1
    with pytest.raises(IntegrityError, match="does not decompress"):
        inflate(bytes(data), MEDIA_LAYER_ZSTD)


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(IntegrityError, match="unknown kind of layer"):
        inflate(b"", "application/vnd.oci.image.layer.v1.tar+lz4")
