from __future__ import annotations

import pytest

from lightship.dockerfile.parser import parse
from lightship.dockerfile.shell import commands, split
from lightship.dockerfile.source import Logical


def words(text: str) -> list[list[str]]:
    return [[word.text for word in one.words] for one in split(Logical.piece(text, 0))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b && c || d; e | f & g", [["a", "b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ('a \'b c\' "d $e" f\\ g "h\\"i"', [["a", "b c", "d $e", "f g", 'h"i']]),
        ("a $(b; c d) `e f` ${g:-h i} \"$(j 'k')\"", [["a", "$(b; c d)", "`e f`", "${g:-h i}", "$(j 'k')"]]),
        ("a > f 2>&1 < g >>h && b", [["a"], ["b"]]),
        ("pip install 'a>=1' b>=2", [["pip", "install", "a>=1", "b"]]),
        ("X=1 Y='a b' sudo env Z=2 cmd arg", [["cmd", "arg"]]),
        ("if [ -f x ]; then a; else b; fi", [["[", "-f", "x", "]"], ["a"], ["b"]]),
        ("a # comment && b\nc#d", [["a"], ["c#d"]]),
        ("(cd x && make)", [["cd", "x"], ["make"]]),
        ("{ a; b; }", [["a"], ["b"]]),
        ("cmd &>log", [["cmd"]]),
        ("unclosed 'quote && a", [["unclosed", "quote && a"]]),
        ("", []),
    ],
)
def test_commands_and_their_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_commands_know_place_and_neighbours() -> None:
    text = "FROM a\nRUN b c && \\\n  # why\n  d\n"
    document = parse("Dockerfile", text)
    first, second = commands(document.instructions[1])
    assert (first.before, first.after, second.before, second.after) == ("", "&&", "&&", "")
    assert document.source.slice(second.span) == "d"
    assert document.source.place(second.span.start) == (4, 3)


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ('RUN ["pip", "install", "a b"]', [["pip", "install", "a b"]]),
        ('RUN ["sh", "-c", "a && b c"]', [["a"], ["b", "c"]]),
        ("RUN <<EOF\na b\nc\nEOF", [["a", "b"], ["c"]]),
        ("RUN <<EOF bash -ex\na\nEOF", [["a"]]),
        ("RUN python <<EOF\nimport os\nEOF", [["python"]]),
        ("RUN <<EOF\n#!/usr/bin/env python\nimport os\nEOF", []),
        ("RUN <<EOF\n#!/bin/bash\na\nEOF", [["a"]]),
        ("HEALTHCHECK CMD curl x || exit 1", [["curl", "x"], ["exit", "1"]]),
        ('HEALTHCHECK CMD ["curl", "x"]', [["curl", "x"]]),
        ("HEALTHCHECK NONE", []),
    ],
)
def test_every_form_of_an_instruction(instruction: str, expected: list[list[str]]) -> None:
    document = parse("Dockerfile", f"FROM a\n{instruction}\n")
    assert not document.problems
    found = commands(document.instructions[1])
    assert [[word.text for word in one.words] for one in found] == expected
