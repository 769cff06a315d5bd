from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from lightship.digest import CHUNK, of_bytes
from lightship.errors import IntegrityError
from lightship.fs.compress import GATHER, Compressor, MemberGzip, Sink, single_gzip, zstd
from tests.support.archives import GZIP_READERS, command, members, unzstd

COMPRESSORS: dict[str, Callable[[Sink], Compressor]] = {
    "members": MemberGzip,
    "single": single_gzip,
    "zstd": zstd,
}
TEXT = hashlib.shake_128(b"text").digest(3000) * 1000


@dataclass
class Deflated:
    """A raw DEFLATE stream, handed out in pieces as a wheel's member is."""

    plain: bytes
    raw: bytes = field(init=False)
    piece: int = 1000

    def __post_init__(self) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.raw = packer.compress(self.plain) + packer.flush()
        self.crc32 = zlib.crc32(self.plain)

    @property
    def size(self) -> int:
        return len(self.plain)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        inflater = zlib.decompressobj(-15)
        for start in range(0, len(self.raw), self.piece):
            piece = self.raw[start : start + self.piece]
            yield piece, inflater.decompress(piece)


class Broken(Deflated):
    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        yield from super().pairs()
        raise IntegrityError("damaged")


def compressed(kind: str, *parts: bytes | Deflated) -> bytes:
    buffer = io.BytesIO()
    compressor = COMPRESSORS[kind](Sink(buffer))
    for part in parts:
        if isinstance(part, bytes):
            compressor.write(part)
        else:
            compressor.transplant(part, lambda _: None)
    compressor.finish()
    return buffer.getvalue()


def test_a_sink_knows_digest_and_size_of_what_went_through() -> None:
    buffer = io.BytesIO()
    sink = Sink(buffer)
    for part in (b"one", bytearray(b"two"), b""):
        sink.write(part)
    assert buffer.getvalue() == b"onetwo"
    assert (sink.digest, sink.size) == (of_bytes(b"onetwo"), 6)


@pytest.mark.parametrize("reader", GZIP_READERS.values(), ids=GZIP_READERS.keys())
@pytest.mark.parametrize("kind", ["members", "single"])
def test_every_reader_of_gzip_finds_the_same_bytes(kind: str, reader: Callable[[bytes], bytes]) -> None:
    parts = (b"head", Deflated(TEXT), b"tail" * 99, Deflated(b"x" * 70_000), b"end")
    plain = b"".join(part if isinstance(part, bytes) else part.plain for part in parts)
    assert reader(compressed(kind, *parts)) == plain


@pytest.mark.requires_tool("zstd")
def test_the_zstd_command_reads_our_zstd_and_finds_its_checksum_right() -> None:
    blob = compressed("zstd", b"head", Deflated(TEXT), b"tail")
    assert command("zstd", "-dcq")(blob) == unzstd(blob) == b"head" + TEXT + b"tail"


def test_members_hold_what_was_gathered_and_what_was_transplanted() -> None:
    blob = compressed("members", b"a", b"b", Deflated(b"c" * 5000), b"d", b"e")
    assert members(blob) == [b"ab", b"c" * 5000, b"de"]


def test_a_transplanted_stream_is_there_bit_for_bit() -> None:
    content = Deflated(TEXT)
    blob = compressed("members", b"before", content, b"after")
    place = blob.index(content.raw)
    assert blob[place - 10 : place] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    assert compressed("single", content).find(content.raw) == -1


def test_a_single_member_is_one() -> None:
    assert members(compressed("single", b"a", Deflated(TEXT), b"b")) == [b"a" + TEXT + b"b"]


@pytest.mark.parametrize("size", [0, 1, GATHER - 1, GATHER, GATHER + 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("kind", ["members", "single"])
def test_gzip_of_any_size_is_whole(kind: str, size: int) -> None:
    data = (TEXT * 2)[:size]
    assert b"".join(members(compressed(kind, data))) == data


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_zstd_of_any_size_is_whole(size: int) -> None:
    assert unzstd(compressed("zstd", TEXT[:size])) == TEXT[:size]


def test_no_member_is_longer_than_a_chunk() -> None:
    assert [len(member) for member in members(compressed("members", TEXT[: 2 * CHUNK + 5]))] == [
        CHUNK,
        CHUNK,
        5,
    ]


@pytest.mark.parametrize("kind", ["single", "zstd"])
def test_how_content_is_cut_does_not_change_a_stream(kind: str) -> None:
    noise = hashlib.shake_128(b"words").digest(300_000)
    words = [noise[start : start + 1 + start % 9] for start in range(256)]
    data = b"".join(words[byte] for byte in noise)
    cuts = [1, 700, 70_000, 300_000, 300_001, len(data)]
    pieces = [data[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]
    expected = compressed(kind, data)
    assert compressed(kind, *pieces) == expected
    assert compressed(kind, Deflated(data, piece=100)) == compressed(kind, Deflated(data, piece=70_000))


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_the_tap_sees_what_a_transplant_inflates_to(kind: str) -> None:
    seen = bytearray()
    compressor = COMPRESSORS[kind](Sink(io.BytesIO()))
    compressor.transplant(Deflated(TEXT), seen.extend)
    assert bytes(seen) == TEXT


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_damage_in_a_transplant_is_not_hidden(kind: str) -> None:
    with pytest.raises(IntegrityError, match="damaged"):
        compressed(kind, Broken(TEXT))
