"""Whatever is written or transplanted comes out of every decompressor."""

from __future__ import annotations

import gzip
import io
import zlib

from hypothesis import given
from hypothesis import strategies as st

from lightship.fs.compress import MemberGzip, Sink, single_gzip, zstd
from tests.support.archives import isal_gunzip, members, unzstd
from tests.unit.fs.test_compress import Deflated

CONTENTS = st.builds(lambda data, times: data * times, st.binary(max_size=300), st.integers(1, 2000))
PARTS = st.lists(st.tuples(st.booleans(), CONTENTS), max_size=6)


@given(PARTS)
def test_gzip(parts: list[tuple[bool, bytes]]) -> None:
    plain = b"".join(data for _, data in parts)
    for kind in (MemberGzip, single_gzip):
        buffer = io.BytesIO()
        compressor = kind(Sink(buffer))
        for transplanted, data in parts:
            if transplanted:
                compressor.transplant(Deflated(data), lambda _: None)
            else:
                compressor.write(data)
        compressor.finish()
        blob = buffer.getvalue()
        if blob:
            assert gzip.decompress(blob) == isal_gunzip(blob) == b"".join(members(blob)) == plain
        else:
            assert plain == b""


@given(PARTS)
def test_zstd(parts: list[tuple[bool, bytes]]) -> None:
    buffer = io.BytesIO()
    compressor = zstd(Sink(buffer))
    for transplanted, data in parts:
        if transplanted:
            compressor.transplant(Deflated(data), lambda _: None)
        else:
            compressor.write(data)
    compressor.finish()
    assert unzstd(buffer.getvalue()) == b"".join(data for _, data in parts)


@given(CONTENTS)
def test_a_transplant_is_the_stream_between_header_and_trailer(data: bytes) -> None:
    content = Deflated(data)
    buffer = io.BytesIO()
    compressor = MemberGzip(Sink(buffer))
    compressor.transplant(content, lambda _: None)
    compressor.finish()
    blob = buffer.getvalue()
    assert blob[10:-8] == content.raw
    assert zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little") == blob[-8:]
