"""Searching Contents for bytes finds what reading every line would."""

from __future__ import annotations

import posixpath

from hypothesis import given
from hypothesis import strategies as st

from lightship.debs.contents import Owner, search

words = st.text("ab. \N{GREEK SMALL LETTER ALPHA}", min_size=1, max_size=4).filter(
    lambda word: word == word.strip()
)
paths = st.lists(words, min_size=1, max_size=3).map("/".join)
packages = st.lists(st.sampled_from(["libs/a", "b", "contrib/libs/a.b"]), min_size=1, max_size=2, unique=True)
blanks = st.sampled_from([" ", "\t", "    ", " \t "])
lines = st.lists(st.tuples(paths, blanks, packages), max_size=8)


@given(lines, st.sets(paths, max_size=4), st.integers(0, 8))
def test_search(lines: list[tuple[str, str, list[str]]], names: set[str], cut: int) -> None:
    texts = [
        "".join(f"{path}{blank}{','.join(who)}\n" for path, blank, who in part)
        for part in (lines[:cut], lines[cut:])
    ]
    expected: dict[str, set[Owner]] = {}
    for path, _, who in lines:
        for name in names:
            if f"/{path}".endswith(f"/{name}"):
                found = {Owner(posixpath.basename(package), path) for package in who}
                expected.setdefault(name, set()).update(found)
    answer = search([text.encode() for text in texts], names)
    assert {name: set(owners) for name, owners in answer.items()} == expected
    assert all(list(owners) == sorted(owners) for owners in answer.values())
