from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from lightship.digest import of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.reference import Reference, parse_reference

COMPONENT = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
NAME = st.lists(COMPONENT, min_size=1, max_size=3).map("/".join)
PORT = st.integers(1, 65535).map(":{}".format)
REGISTRY = st.one_of(
    st.just(""), st.just("localhost"), st.from_regex(r"[a-z]{1,5}\.[a-z]{2,5}", fullmatch=True)
)
TAG = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", fullmatch=True)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    name, registry = draw(NAME), draw(REGISTRY)
    first = name.partition("/")[0]
    if not registry and "/" in name and ("." in first or first == "localhost"):
        registry = "localhost"  # such a first part reads as a host
    if registry:
        registry += draw(st.one_of(st.just(""), PORT))
    digest = draw(st.one_of(st.none(), st.binary(max_size=4).map(of_bytes)))
    tag = draw(TAG if digest is None else st.one_of(st.just(""), TAG))
    return Reference(name, registry, tag, digest)


@given(references())
def test_every_reference_is_read_back_as_it_was_written(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference


@given(st.text(alphabet="abzAZ09./:@_-[] \n\0é", max_size=40))
def test_any_text_is_a_reference_or_an_error_of_ours(text: str) -> None:
    with suppress(UsageError, IntegrityError):
        parsed = parse_reference(text)
        assert parse_reference(str(parsed)) == parsed
