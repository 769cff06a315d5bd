from __future__ import annotations

import pytest

from lightship.debs.relations import Relation, parse_relations
from lightship.errors import ResolutionError


def test_a_field_is_read_into_groups_of_alternatives() -> None:
    text = "a, b (>= 1.2) | c:any,\n d:amd64 (= 1:2-3)"
    assert parse_relations(text, package="x") == (
        (Relation("a"),),
        (Relation("b", ">=", "1.2"), Relation("c")),
        (Relation("d", "=", "1:2-3", "amd64"),),
    )
    assert parse_relations(" ", package="x") == ()


@pytest.mark.parametrize(
    ("operator", "admitted"),
    [("<<", "1"), ("<=", "12"), ("=", "2"), (">=", "23"), (">>", "3"), ("<", "12"), (">", "23")],
)
def test_operators_compare_versions(operator: str, admitted: str) -> None:
    relation = Relation("a", operator, "2")
    assert "".join(version for version in "123" if relation.admits(version)) == admitted


def test_an_unversioned_provides_satisfies_only_an_unversioned_relation() -> None:
    assert Relation("a").admits("")
    assert not Relation("a", ">=", "1").admits("")


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(ResolutionError, match="x has a relationship"):
        parse_relations("a (=> 1)", package="x")


def test_relations_are_shown_as_debian_writes_them() -> None:
    assert str(Relation("a", ">=", "1", "amd64")) == "a:amd64 (>= 1)"
    assert str(Relation("a")) == "a"
