from __future__ import annotations

import pytest

from lightship.errors import IntegrityError
from lightship.fs.entries import Entry, directory, regular, symlink
from lightship.fs.tree import with_parents


def paths(*entries: Entry) -> list[str]:
    return [entry.path for entry in with_parents(entries)]


def test_parents_come_before_their_first_use_and_once() -> None:
    assert paths(regular("a/b/c", b""), regular("a/b/d", b""), regular("e", b"")) == [
        "a", "a/b", "a/b/c", "a/b/d", "e",
    ]  # fmt: skip


def test_made_parents_have_mode_0755() -> None:
    first, *_ = with_parents([regular("a/b", b"")])
    assert first == directory("a", 0o755)


def test_a_directory_that_is_brought_keeps_its_mode() -> None:
    first, _ = with_parents([directory("tmp", 0o1777), regular("tmp/a", b"")])
    assert first.mode == 0o1777


def test_a_directory_that_was_there_already_is_not_repeated() -> None:
    assert paths(regular("a/b", b""), directory("a"), directory("a")) == ["a", "a/b"]


@pytest.mark.parametrize(
    "entries",
    [
        [regular("a", b""), regular("a/b", b"")],
        [regular("a/b", b""), regular("a", b"")],
        [directory("a"), symlink("a", "b")],
        [symlink("a", "b"), directory("a")],
        [symlink("a", "b"), regular("a/c/d", b"")],
    ],
)
def test_a_path_cannot_be_a_folder_and_something_else(entries: list[Entry]) -> None:
    with pytest.raises(IntegrityError, match="both a file and a folder") as error:
        paths(*entries)
    assert error.value.hint
