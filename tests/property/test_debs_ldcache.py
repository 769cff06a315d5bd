"""The order of ld.so.cache, with a transcription of glibc's own comparison as the oracle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lightship.debs.ldcache import order

names = st.text("lib.so-_+ab0129", max_size=12)


def libcmp(one: str, other: str) -> int:
    """`_dl_cache_libcmp` of glibc 2.36, elf/dl-cache.c, with its pointers as indices."""
    i = j = 0
    one, other = one + "\0", other + "\0"
    while one[i] != "\0":
        if one[i].isdigit() and other[j].isdigit():
            left = right = 0
            while one[i].isdigit():
                left, i = left * 10 + int(one[i]), i + 1
            while other[j].isdigit():
                right, j = right * 10 + int(other[j]), j + 1
            if left != right:
                return left - right
        elif one[i].isdigit():
            return 1
        elif other[j].isdigit():
            return -1
        elif one[i] != other[j]:
            return ord(one[i]) - ord(other[j])
        else:
            i, j = i + 1, j + 1
    return ord(one[i]) - ord(other[j])


@given(names, names)
def test_names_are_ordered_as_the_loader_searches_them(one: str, other: str) -> None:
    keys = order(one), order(other)
    assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == (libcmp(one, other) > 0) - (libcmp(one, other) < 0)
