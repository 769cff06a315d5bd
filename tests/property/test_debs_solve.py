"""Any archive at all: what is solved is closed, contains what was asked for, and does not depend on order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lightship.debs.index import PackageIndex
from lightship.debs.solve import solve
from lightship.errors import ResolutionError
from tests.unit.debs.forge import stanza

names = st.sampled_from(["p1", "p2", "p3", "p4", "p5"])
virtual = st.sampled_from(["v1", "v2"])
relations = st.builds("{}{}".format, st.one_of(names, virtual), st.sampled_from(["", " (>= 2)", " (<< 2)"]))
groups = st.lists(relations, min_size=1, max_size=3).map(" | ".join)
fields = st.fixed_dictionaries(
    {},
    optional={
        "Depends": st.lists(groups, min_size=1, max_size=3).map(", ".join),
        "Provides": st.builds("{}{}".format, virtual, st.sampled_from(["", " (= 2)"])),
        "Conflicts": relations,
    },
)
archives = st.dictionaries(st.tuples(names, st.sampled_from("12")), fields, min_size=1)


@given(archives, st.lists(names, min_size=1, unique=True))
def test_a_solution_is_closed_and_the_same_for_any_order(
    archive: dict[tuple[str, str], dict[str, str]], wanted: list[str]
) -> None:
    text = "".join(stanza(name, version, **given) for (name, version), given in archive.items())
    index = PackageIndex([("main", text.encode())])
    try:
        chosen = solve(index, wanted, architecture="amd64")
    except ResolutionError:
        return
    assert set(wanted) <= {package.name for package in chosen}
    assert len({package.name for package in chosen}) == len(chosen)
    assert chosen == solve(index, wanted[::-1], architecture="amd64")
    for package in chosen:
        for group in package.depends:
            assert any(
                relation.admits(version)
                for relation in group
                for other in chosen
                for version in other.provided(relation.name)
            )
        for relation in package.conflicts:
            assert not any(
                relation.admits(version)
                for other in chosen
                if other.name != package.name
                for version in other.provided(relation.name)
            )
