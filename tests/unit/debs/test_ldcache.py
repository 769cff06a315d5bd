from __future__ import annotations

import struct

import pytest

from lightship.debs.ldcache import Library, order, write_cache
from lightship.platform import Platform


def parse(cache: bytes) -> list[tuple[int, str, str]]:
    """Read a cache as the loader does."""
    assert cache[:20] == b"glibc-ld.so.cache1.1"
    count, length = struct.unpack_from("<II", cache, 20)
    assert len(cache) == 48 + 24 * count + length
    assert cache[28] == 2

    def text(at: int) -> str:
        return cache[at : cache.index(b"\0", at)].decode()

    entries = (struct.unpack_from("<iIIIQ", cache, 48 + 24 * index) for index in range(count))
    return [(flags, text(key), text(value)) for flags, key, value, _, _ in entries]


@pytest.mark.parametrize(("architecture", "flags"), [("amd64", 0x303), ("arm64", 0xA03)])
def test_libraries_are_listed_in_the_order_of_the_loader(architecture: str, flags: int) -> None:
    names = ["liba.so.2", "libz.so.1", "liba.so.10", "ld-linux.so.2"]
    cache = write_cache([Library(name, f"/lib/{name}") for name in names], Platform(architecture))
    assert parse(cache) == [
        (flags, name, f"/lib/{name}") for name in ("libz.so.1", "liba.so.10", "liba.so.2", "ld-linux.so.2")
    ]


def test_of_one_soname_the_first_given_stays_first() -> None:
    libraries = [Library("liba.so.1", "/usr/local/lib/liba.so.1"), Library("liba.so.1", "/lib/liba.so.1")]
    assert [path for _, _, path in parse(write_cache(libraries, Platform("amd64")))] == [
        "/usr/local/lib/liba.so.1",
        "/lib/liba.so.1",
    ]


def test_an_empty_cache_is_a_cache() -> None:
    assert parse(write_cache([], Platform("amd64"))) == []


def test_numbers_are_ordered_by_value_and_above_letters() -> None:
    names = ["lib", "lib-a", "liba", "lib2", "lib10", "lib10a"]
    assert sorted(names, key=order) == ["lib", "lib-a", "liba", "lib2", "lib10", "lib10a"]
