"""How wheels are put into layers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lightship.plan.layering import ALONE, BUCKETS, GIANT, MOST_ALONE, layer_wheels
from lightship.wheels.model import LockedWheel

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
SIZES = st.integers(0, 3000) | st.integers(ALONE - 5, ALONE + 5) | st.integers(GIANT - 5, GIANT + 5)


def wheel(name: str, size: int) -> LockedWheel:
    return LockedWheel(name, "1", f"{name}-1.whl", "", name, size)


WHEELS = st.dictionaries(NAMES, SIZES, max_size=130).map(
    lambda sizes: [wheel(name, size) for name, size in sizes.items()]
)


@given(WHEELS)
def test_every_wheel_is_in_one_layer(wheels: list[LockedWheel]) -> None:
    groups = layer_wheels(wheels)
    assert sorted(found for group in groups for found in group) == sorted(wheels)
    assert len(groups) <= MOST_ALONE + BUCKETS
    assert all(groups)


@given(WHEELS, st.randoms(use_true_random=False))
def test_the_order_of_the_lock_does_not_matter(wheels: list[LockedWheel], dice: object) -> None:
    shuffled = list(wheels)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert layer_wheels(shuffled) == layer_wheels(wheels)


@given(WHEELS, NAMES, st.integers(0, ALONE - 1))
def test_one_more_small_wheel_changes_one_layer(wheels: list[LockedWheel], name: str, size: int) -> None:
    before = set(layer_wheels([found for found in wheels if found.name != name]))
    after = set(layer_wheels([*(found for found in wheels if found.name != name), wheel(name, size)]))
    (new,) = after - before
    assert name in {found.name for found in new}
    assert len(before - after) <= 1


@given(WHEELS)
def test_giants_come_first_and_alone(wheels: list[LockedWheel]) -> None:
    giants = [found for found in wheels if found.size >= GIANT]
    groups = layer_wheels(wheels)[: min(len(giants), MOST_ALONE)]
    assert all(len(group) == 1 and group[0] in giants for group in groups)
    names = [group[0].name for group in groups]
    assert names == sorted(names)
