"""A lock made again by asking for little is the lock that asking for everything gives."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightship.errors import LightshipError
from lightship.wheels.relock import relock
from lightship.wheels.resolve import resolve
from tests.support.desk import AMD64, Desk, at_desk

NAMES = ("a", "b", "c", "d", "e", "f")
VERSIONS = st.sampled_from(("1", "2", "3"))
BOUNDS = st.sampled_from(("", "", "", ">=2", "<3", "<2", "!=2"))
NEEDS = st.tuples(st.sampled_from(NAMES), BOUNDS).map("".join)
RELEASES = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), VERSIONS), st.lists(NEEDS, max_size=2), min_size=6
)
LINES = st.lists(NEEDS, min_size=1, max_size=3)


@dataclass(frozen=True)
class World:
    """What indexes have when a lock is made, what they got until it is made again, and what is asked for."""

    before: dict[tuple[str, str], list[str]]
    later: dict[tuple[str, str], list[str]]
    first: list[str]
    then: list[str]


WORLDS = st.builds(World, RELEASES, RELEASES, LINES, LINES)


OLDEST: dict[tuple[str, str], list[str]] = {(name, "1"): [] for name in NAMES}
"""So that most of what is asked for can be had."""


def offer(desk: Desk, releases: dict[tuple[str, str], list[str]]) -> None:
    for (name, version), needs in releases.items():
        desk.offer(name, version, *(need for need in needs if need[0] > name))


def resolved(desk: Desk, lines: list[str], lock: Path, cache: str) -> str | None:
    environ = {**desk.environ, "UV_CACHE_DIR": str(desk.folder / cache)}
    try:
        return resolve(desk.request(*lines, lock=lock), pip=desk.pip, environ=environ, reporter=desk.reporter)
    except LightshipError:
        return None


def outcomes(world: World) -> tuple[str | None, str | None]:
    """Make a lock again by asking for little, if that counts, and by asking for everything."""
    with tempfile.TemporaryDirectory() as folder, at_desk(Path(folder)) as desk:
        before = OLDEST | world.before
        offer(desk, before)
        lock = Path(folder, "pylock.toml")
        text = resolved(desk, world.first, lock, "cache")
        if text is None:
            return None, None
        lock.write_text(text)
        offer(desk, {key: needs for key, needs in world.later.items() if key not in before})
        request = desk.request(*world.then, lock=lock)
        texts = relock([request], pip=desk.pip, environ=desk.environ, reporter=desk.reporter)
        little = texts[AMD64] if texts else None
        return little, resolved(desk, world.then, lock, "other-cache")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORLDS)
def test_little_and_everything_give_one_lock(world: World) -> None:
    little, everything = outcomes(world)
    assert little in (None, everything)
