from __future__ import annotations

import pytest
from msgspec.structs import replace

from lightship.fs.trim import COMPILERS, TrimRule
from lightship.slim import Trimmer, keep_all
from lightship.slim import trimmer as slim_trimmer

RULE = TrimRule(name="rule", paths=("a/**",), reason="", proof="")


def trimmer(rules: list[TrimRule], owner: str) -> Trimmer:
    return slim_trimmer((rule.files for rule in rules), owner)


def is_trimmed(path: str, *paths: str, keep: tuple[str, ...] = ()) -> bool:
    return bool(trimmer([replace(RULE, paths=paths, keep=keep)], "any")(path))


@pytest.mark.parametrize(
    ("pattern", "path", "trimmed"),
    [
        ("a/**", "a", True),
        ("a/**", "a/b/c", True),
        ("a/**", "ab/c", False),
        ("a/**", "b/a/c", False),
        ("**/*.a", "lib.a", True),
        ("**/*.a", "x/y/lib.a", True),
        ("**/*.a", "x/y/lib.ab", False),
        ("**/tests/**", "tests/x.py", True),
        ("**/tests/**", "p/q/tests/r/x.py", True),
        ("**/tests/**", "p/_tests/x.py", False),
        ("**/tests/**", "p/tests.py", False),
        ("lib/*/gconv/*.so", "lib/x/gconv/y.so", True),
        ("lib/*/gconv/*.so", "lib/x/z/gconv/y.so", False),
        ("lib/*/gconv/*.so", "lib/x/gconv/z/y.so", False),
        ("a.c", "abc", False),
        ("a+b", "a+b", True),
    ],
)
def test_patterns_match_paths(pattern: str, path: str, trimmed: bool) -> None:  # noqa: FBT001
    assert is_trimmed(path, pattern) == trimmed


def test_exceptions_stay() -> None:
    assert not is_trimmed("a/b", "a/**", keep=("a/b",))
    assert is_trimmed("a/b/c", "a/**", keep=("a/b",))


def test_the_first_rule_that_matches_is_named() -> None:
    rules = [replace(RULE, name="one", paths=("x",)), replace(RULE, name="two"), replace(RULE, name="three")]
    assert trimmer(rules, "any")("a/b") == "two"
    assert trimmer(rules, "any")("b") == ""


def test_rules_are_for_their_owners() -> None:
    rule = replace(RULE, owners=frozenset({"numpy"}))
    assert trimmer([rule], "numpy")("a/b") == "rule"
    assert trimmer([rule], "scipy") is keep_all
    assert trimmer([replace(RULE, spared=frozenset({"cython"}))], "cython") is keep_all
    assert keep_all("a/b") == ""


@pytest.mark.parametrize("present", ["gcc", "g++", "gcc-12", "clang-14", "build-essential"])
def test_a_compiler_in_the_image_spares_what_it_reads(present: str) -> None:
    assert not replace(RULE, unless=COMPILERS).holds({"libc6", present})


@pytest.mark.parametrize("present", ["gcc-12-base", "libgcc-s1", "libstdc++6", "clangd-helper"])
def test_what_only_sounds_like_a_compiler_does_not(present: str) -> None:
    assert replace(RULE, unless=COMPILERS).holds({present})


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        (replace(RULE, paths=("b",)), True),
        (replace(RULE, keep=("a/b",)), True),
        (replace(RULE, owners=frozenset({"x"})), True),
        (replace(RULE, spared=frozenset({"x"})), True),
        (replace(RULE, reason="another", proof="another", unless=COMPILERS), False),
    ],
)
def test_the_essence_of_a_rule_is_what_it_does(changed: TrimRule, differs: bool) -> None:  # noqa: FBT001
    assert (changed.essence() != RULE.essence()) == differs
