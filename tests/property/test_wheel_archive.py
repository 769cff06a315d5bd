"""A wheel is read right, or refused with an error that says so."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lightship.errors import IntegrityError
from lightship.wheels.archive import open_wheel
from tests.support.wheels import Packed, zip_bytes

NAMES = (
    st.lists(st.text("abcü._-", min_size=1, max_size=8), min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda path: not set(path.split("/")) & {".", ".."})
)
DATA = st.builds(lambda data, times: data * times, st.binary(max_size=50), st.integers(1, 3000))
MEMBERS = st.dictionaries(
    NAMES, st.builds(Packed, DATA, st.just(0o100644), st.booleans()), min_size=1, max_size=5
)
DAMAGE = st.lists(
    st.tuples(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=4)), min_size=1, max_size=3
)


def read(data: bytes) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "wheel")
        path.write_bytes(data)
        with path.open("rb") as stream:
            wheel = open_wheel(stream, name="wheel")
            return {name: b"".join(member.chunks()) for name, member in wheel.members.items()}


@given(MEMBERS)
def test_what_went_in_comes_out(members: dict[str, Packed]) -> None:
    assert read(zip_bytes(members)) == {path: item.data for path, item in members.items()}


@given(MEMBERS, DAMAGE)
def test_damage_is_found_or_changes_no_content(
    members: dict[str, Packed], damage: list[tuple[int, bytes]]
) -> None:
    data = bytearray(zip_bytes(members))
    for place, noise in damage:
        start = place % len(data)
        data[start : start + len(noise)] = noise
    contents = [item.data for item in members.values()]
    with suppress(IntegrityError):
        assert all(content in contents for content in read(bytes(data)).values())


@given(st.binary(max_size=200), st.integers(0, 200))
def test_noise_is_refused_as_what_it_is(noise: bytes, cut: int) -> None:
    data = zip_bytes({"file": Packed(b"data")})
    for text in (noise, data[:cut] + noise, noise + data[cut:]):
        with suppress(IntegrityError):
            assert read(text) in ({}, {"file": b"data"})
