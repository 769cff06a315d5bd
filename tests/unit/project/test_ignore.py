from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.project.ignore import parse_ignore, read_ignore

CASES = [
    # Docker's documentation, "Build context", and moby/patternmatcher's own tests.
    (["*/temp*"], {"a/temp", "a/temporary.txt", "a/temp/x"}, {"temp", "a/b/temp"}),
    (["*/*/temp*"], {"a/b/temporary.txt"}, {"a/temp"}),
    (["temp?"], {"tempa", "tempb/x"}, {"temp", "tempab", "a/tempa"}),
    (["**/*.go"], {"a.go", "a/b/c.go"}, {"a.got"}),
    (["*.md", "!README.md"], {"a.md"}, {"README.md", "b/a.md"}),
    (["*.md", "!README*.md", "README-secret.md"], {"a.md", "README-secret.md"}, {"README.md", "README-a.md"}),
    (["*.md", "README-secret.md", "!README*.md"], {"a.md"}, {"README.md", "README-secret.md"}),
    (["docs", "!docs/keep.md"], {"docs/a.md"}, {"docs/keep.md"}),
    (["docs", "!docs/keep.md", "docs"], {"docs/keep.md"}, set()),
    (["**"], {"a", "a/b"}, set()),
    (["**/file"], {"file", "a/file", "a/b/file"}, {"afile"}),
    (["**file"], {"file", "a/file"}, {"afile"}),
    (["a/**"], {"a/b", "a/b/c"}, {"a", "ab"}),
    (["a**"], {"a", "ab", "ab/c"}, {"b"}),
    (["a**b"], {"ab", "ax/b", "a/x/b"}, {"axb"}),
    (["a/**/b"], {"a/b", "a/x/b", "a/x/y/b"}, {"a/xb"}),
    (["**/a/**"], {"a/b", "x/a/b"}, {"a", "b/c"}),
    (["[a-c].txt"], {"a.txt", "c.txt"}, {"d.txt", "[.txt"}),
    (["[^a-c].txt"], {"d.txt"}, {"a.txt"}),
    (["[!a].txt"], {"a.txt", "!.txt"}, {"b.txt"}),
    (["[[].txt"], {"[.txt"}, {"a.txt"}),
    ([r"[\]a].txt"], {"].txt", "a.txt"}, {"b.txt"}),
    ([r"[a\-z].txt"], {"a.txt", "-.txt", "z.txt"}, {"b.txt"}),
    (["."], set(), {".", "a"}),
    (["/"], set(), {".", "a"}),
    ([r"\*.txt"], {"*.txt"}, {"a.txt"}),
    ([r"\!a"], {"!a"}, {"a"}),
    (["a.txt"], {"a.txt"}, {"axtxt"}),
    (["a+(b)$"], {"a+(b)$"}, {"aab"}),
    (["/a"], {"a", "a/b"}, {"b/a"}),
    (["./a//b/"], {"a/b", "a/b/c"}, {"a"}),
    (["a/../b"], {"b"}, {"a"}),
    (["# a", "", "   ", "b"], {"b"}, {"# a", "a"}),
    ([" # a"], {"# a"}, {"a"}),
    (["  a  "], {"a"}, {"b"}),
    (["! a", "a"], {"a"}, set()),
    (["a", "! a"], set(), {"a"}),
    (["ü*"], {"über"}, {"u"}),
    (["a\nb"], {"a\nb"}, {"a"}),
]


@pytest.mark.parametrize(("lines", "out", "kept"), CASES, ids=[" ".join(lines) for lines, _, _ in CASES])
def test_patterns_mean_what_docker_says(lines: list[str], out: set[str], kept: set[str]) -> None:
    ignore = parse_ignore(lines)
    assert {path for path in out | kept if ignore.ignores(path)} == out


@pytest.mark.parametrize("line", ["[a", "a\\", "[z-a]", "!", "[]"])
def test_what_docker_refuses_is_an_error_that_names_the_file(line: str, tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text(f"{line}\n")
    with pytest.raises(UsageError, match="is no pattern") as error:
        read_ignore(tmp_path)
    assert error.value.where == str(tmp_path / ".dockerignore")
    assert error.value.hint


@pytest.mark.parametrize(
    "path",
    ["app/__pycache__/x.pyc", "a.pyc", ".git/config", "sub/.git", ".env", "app/.env", ".venv/bin/python"],
)
def test_some_paths_never_ship(path: str, tmp_path: Path) -> None:
    assert read_ignore(tmp_path).ignores(path)
    assert not read_ignore(tmp_path).ignores("app/main.py")


def test_what_never_ships_can_be_brought_back(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("!app/.env\n")
    assert not read_ignore(tmp_path).ignores("app/.env")
    assert read_ignore(tmp_path).ignores(".env")


def test_a_byte_order_mark_is_no_part_of_a_pattern(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_bytes(b"\xef\xbb\xbfsecret\r\nother\r\n")
    assert read_ignore(tmp_path).ignores("secret")
    assert read_ignore(tmp_path).ignores("other")


def test_ignored_folders_are_pruned_unless_something_in_them_may_come_back() -> None:
    assert parse_ignore(["data"]).prunes("data")
    assert not parse_ignore(["data"]).prunes("other")
    assert not parse_ignore(["data", "!data/keep"]).prunes("data")
