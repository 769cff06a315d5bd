"""Capabilities of files, in the words of getcap(8)."""

from __future__ import annotations

import struct

import pytest

from lightship.inspect.capabilities import describe


def attribute(revision: int, effective: int, *words: int) -> bytes:
    return struct.pack(f"<{1 + len(words)}I", revision << 24 | effective, *words)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (attribute(2, 1, 1 << 13, 0, 0, 0), "cap_net_raw=ep"),
        (attribute(2, 0, 1 << 10 | 1, 0, 0, 0), "cap_chown,cap_net_bind_service=p"),
        (attribute(2, 1, 1 << 13, 1 << 13 | 1 << 21, 0, 0), "cap_net_raw=eip cap_sys_admin=ei"),
        (attribute(2, 1, 0, 0, 1 << 7, 0), "cap_bpf=ep"),
        (attribute(2, 1, 0, 0, 1 << 31, 0), "capability 63=ep"),
        (attribute(3, 1, 1 << 6, 0, 0, 0, 1000), "cap_setgid=ep"),
        (attribute(1, 1, 1 << 6, 0), "cap_setgid=ep"),
        (attribute(2, 1, 0, 0, 0, 0), ""),
        (attribute(4, 1, 1, 0, 0, 0), "an attribute of version 4"),
        (attribute(2, 1, 1, 0), "a damaged attribute"),
        (b"\x01", "a damaged attribute"),
    ],
)
def test_an_attribute_is_told_in_words(value: bytes, said: str) -> None:
    assert describe(value) == said
