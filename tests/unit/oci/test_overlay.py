from __future__ import annotations

import pytest

from lightship.errors import IntegrityError
from lightship.fs.entries import Kind
from lightship.oci.overlay import Overlay, Placement

FILE, FOLDER, LINK, HARD = Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.HARDLINK
Step = tuple[str, Kind, str]


def stack(*layers: list[Step]) -> tuple[Overlay[str], list[Placement]]:
    tree: Overlay[str] = Overlay()
    placements = []
    for number, layer in enumerate(layers):
        placements += [tree.place(path, kind, target, f"{number}:{path}") for path, kind, target in layer]
        tree.next_layer()
    return tree, placements


def files(tree: Overlay[str]) -> dict[str, str | None]:
    return {path: node.member for path, node in tree.walk() if node.kind is not FOLDER}


def test_an_upper_file_replaces_a_lower_one() -> None:
    tree, placed = stack([("a/b", FILE, "")], [("a/b", FILE, "")])
    assert files(tree) == {"a/b": "1:a/b"}
    assert placed == [Placement("a/b", created=("a",)), Placement("a/b", removed=("a/b",))]


def test_a_whiteout_hides_lower_layers_only() -> None:
    lower = [("a/x", FILE, ""), ("a/y", FILE, "")]
    tree, placed = stack(lower, [("a/.wh.x", FILE, ""), ("a/.wh.z", FILE, ""), ("n/.wh.z", FILE, "")])
    assert files(tree) == {"a/y": "0:a/y"}
    assert [item.removed for item in placed[2:]] == [("a/x",), (), ()]
    for upper in ([("a/x", FILE, ""), ("a/.wh.x", FILE, "")], [("a/.wh.x", FILE, ""), ("a/x", FILE, "")]):
        assert files(stack(lower, upper)[0])["a/x"] == "1:a/x"


def test_an_opaque_folder_hides_lower_layers_whatever_the_order() -> None:
    lower = [("a/x", FILE, ""), ("a/sub/old", FILE, "")]
    upper = [("a", FOLDER, ""), ("a/sub", FOLDER, ""), ("a/sub/new", FILE, ""), ("a/.wh..wh..opq", FILE, "")]
    assert files(stack(lower, upper)[0]) == {"a/sub/new": "1:a/sub/new"}
    assert files(stack(lower, [upper[0], upper[3], *upper[1:3]])[0]) == {"a/sub/new": "1:a/sub/new"}


def test_other_bookkeeping_of_aufs_hides_nothing() -> None:
    assert files(stack([("a", FILE, "")], [(".wh..wh.plnk", FILE, "")])[0]) == {"a": "0:a"}


def test_a_link_above_a_path_is_followed_within_the_tree() -> None:
    tree, placed = stack([("usr/bin", FOLDER, ""), ("bin", LINK, "usr/bin")], [("bin/tool", FILE, "")])
    assert placed[-1].path == "usr/bin/tool"
    assert "usr/bin/tool" in files(tree)


@pytest.mark.parametrize("target", ["/etc", "/../../etc", "../../../etc", "etc"])
def test_no_link_leads_out_of_the_tree(target: str) -> None:
    _, placed = stack([("e", LINK, target), ("e/passwd", FILE, "")])
    assert placed[-1].path == "etc/passwd"


def test_links_that_loop_are_refused() -> None:
    with pytest.raises(IntegrityError, match="loop"):
        stack([("etc", LINK, "/etc"), ("etc/passwd", FILE, "")])


def test_a_folder_replaces_a_link_and_a_link_replaces_a_folder() -> None:
    tree, placed = stack([("bin", LINK, "usr"), ("a/b", FILE, "")], [("bin", FOLDER, ""), ("a", LINK, "c")])
    assert [item.removed for item in placed[2:]] == [("bin",), ("a",)]
    assert files(tree) == {"a": "1:a"}


def test_files_below_a_file_are_refused() -> None:
    with pytest.raises(IntegrityError, match="not a directory"):
        stack([("a", FILE, "")], [("a/b", FILE, "")])


def test_a_hard_link_shares_the_member_of_its_target() -> None:
    tree, placed = stack([("d/a", FILE, ""), ("l", LINK, "d"), ("b", HARD, "l/a")])
    assert placed[-1] == Placement("b", target="d/a")
    assert files(tree)["b"] == "0:d/a"


@pytest.mark.parametrize("target", ["none", "folder", "b", "link/none"])
def test_a_hard_link_to_what_is_no_file_is_refused(target: str) -> None:
    with pytest.raises(IntegrityError, match="hard link"):
        stack([("b", FILE, ""), ("folder", FOLDER, ""), ("link", LINK, "nowhere"), ("b", HARD, target)])


def test_find_follows_links_and_answers_none_where_nothing_is() -> None:
    tree, _ = stack([("d/a", FILE, ""), ("l", LINK, "/d"), ("self", LINK, "self"), ("f", LINK, "l/a")])
    assert [found and found[0] for found in map(tree.find, ("l/a", "f", "l/../d/./a", "self", "x", ""))] == [
        "d/a",
        "d/a",
        "d/a",
        None,
        None,
        "",
    ]


def test_walk_gives_a_folder_before_what_is_in_it() -> None:
    tree, _ = stack([("a/b/c", FILE, ""), ("d", FILE, "")])
    assert [path for path, _ in tree.walk()] == ["a", "a/b", "a/b/c", "d"]


def test_a_folder_that_became_a_link_is_followed_from_then_on() -> None:
    tree: Overlay[str] = Overlay()
    for path in ("a/b/x", "c/z"):
        tree.place(path, Kind.FILE, "", path)
    assert tree.place("a/b/y", Kind.FILE, "", "").path == "a/b/y"
    tree.place("a/b", Kind.SYMLINK, "../c", "")
    assert tree.place("a/b/y", Kind.FILE, "", "").path == "c/y"
    tree.next_layer()
    tree.place("a/b/.wh.z", Kind.FILE, "", "")
    tree.place("a/.wh.b", Kind.FILE, "", "")
    assert tree.place("a/b/y", Kind.FILE, "", "").path == "a/b/y"
    assert tree.find("c/z") is None
