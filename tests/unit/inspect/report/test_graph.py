from __future__ import annotations

import pytest

from lightship.inspect.report.graph import chains, find_roots, retained

EDGES = {
    "app": ("left", "right"),
    "left": ("shared", "own"),
    "right": ("shared",),
    "shared": ("deep",),
    "own": (),
    "deep": (),
}
SIZES = {"app": 1, "left": 10, "right": 100, "shared": 1000, "own": 10_000, "deep": 100_000}


def test_roots_are_what_nothing_requires_and_what_is_asked_for() -> None:
    assert find_roots(EDGES, ()) == ["app"]
    assert find_roots(EDGES, {"shared"}) == ["app", "shared"]


def test_of_a_circle_that_nothing_else_needs_the_first_is_a_root() -> None:
    edges = {"one": ("two",), "two": ("one",), "alone": ()}
    assert find_roots(edges, ()) == ["alone", "one"]


def test_chains_are_the_shortest() -> None:
    found = chains(["app"], EDGES)
    assert found["deep"] == ("app", "left", "shared", "deep")
    assert chains(["app", "shared"], EDGES)["deep"] == ("shared", "deep")


@pytest.mark.parametrize(
    ("node", "freed"),
    [
        ("app", 111_111),
        ("left", 10_010),
        ("right", 100),
        ("shared", 101_000),
        ("own", 10_000),
        ("deep", 100_000),
    ],
)
def test_a_node_frees_what_nothing_else_leads_to(node: str, freed: int) -> None:
    assert retained(["app"], EDGES, SIZES)[node] == freed
