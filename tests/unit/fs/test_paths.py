from __future__ import annotations

import pytest

from lightship.errors import IntegrityError
from lightship.fs.paths import check_link, normalise, parents


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "a"),
        ("./a/b", "a/b"),
        ("a//b/", "a/b"),
        ("a/./b", "a/b"),
        ("./", ""),
        ("...", "..."),
        ("a/..b", "a/..b"),
    ],
)
def test_member_names_are_normalised(name: str, path: str) -> None:
    assert normalise(name, archive="x.tar") == path


@pytest.mark.parametrize("name", ["/a", "..", "../a", "a/../../b", "a/..", "a\0b", "//a"])
def test_names_that_leave_the_tree_are_refused_with_the_archive_named(name: str) -> None:
    with pytest.raises(IntegrityError, match="leaves the tree") as caught:
        normalise(name, archive="x.tar")
    assert caught.value.where == "x.tar"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a/b", "c"),
        ("a/b", "../c"),
        ("a/b/c", "../../d"),
        ("lib", "usr/lib"),
        ("a", "/etc/x"),
        ("a", "/../../x"),
        ("a/b", ".."),
    ],
)
def test_links_within_the_tree_are_let_through(path: str, target: str) -> None:
    check_link(path, target, archive="x.tar")


@pytest.mark.parametrize(
    ("path", "target"),
    [("a", ".."), ("a", "../b"), ("a/b", "../../c"), ("a/b", "c/../../../d"), ("a", "b\0")],
)
def test_links_out_of_the_tree_are_refused(path: str, target: str) -> None:
    with pytest.raises(IntegrityError, match="leaves the tree"):
        check_link(path, target, archive="x.tar")


def test_parents_come_outermost_first() -> None:
    assert parents("a/b/c") == ["a", "a/b"]
    assert parents("a") == []
