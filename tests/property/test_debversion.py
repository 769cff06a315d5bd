"""Versions, with dpkg itself as the oracle (deb-version(7))."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightship.debs.relations import Relation

OPERATORS = {"<<": "lt", "<=": "le", "=": "eq", ">=": "ge", ">>": "gt"}

epochs = st.sampled_from(["", "0:", "1:", "02:"])
# A narrow alphabet, so that versions often differ only in what is hard: tildes, leading zeros, letters.
upstreams = st.from_regex(r"[0-9][0-9a~.+]{0,8}", fullmatch=True)
revisions = st.one_of(st.just(""), st.from_regex(r"-[0-9b~.+]{1,5}", fullmatch=True))
versions = st.builds("{}{}{}".format, epochs, upstreams, revisions)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="not on this machine: dpkg, the oracle")
@settings(max_examples=400, deadline=None)
@given(versions, versions)
def test_versions_compare_as_dpkg_compares_them(one: str, other: str) -> None:
    for symbol in ("<<", "="):
        command = ["/usr/bin/dpkg", "--compare-versions", one, OPERATORS[symbol], other]
        expected = subprocess.run(command, check=False, capture_output=True).returncode == 0
        assert Relation("x", symbol, other).admits(one) == expected


@given(versions, versions)
def test_exactly_one_of_less_equal_and_greater_holds(one: str, other: str) -> None:
    holds = [Relation("x", symbol, other).admits(one) for symbol in ("<<", "=", ">>")]
    assert holds.count(True) == 1
    assert Relation("x", "<=", other).admits(one) == (holds[0] or holds[1])
    assert Relation("x", ">=", other).admits(one) == (holds[2] or holds[1])
