from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightship.dockerfile.parser import parse

CASES = json.loads((Path(__file__).parents[2] / "data/dockerfile-grammar/cases.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_texts_are_read_as_buildkit_reads_them(case: dict[str, Any]) -> None:
    document = parse("Dockerfile", case["text"])
    if case["instructions"] is None:
        assert document.problems
        return
    assert len(document.instructions) == len(case["instructions"])
    for made, wanted in zip(document.instructions, case["instructions"], strict=True):
        inner = made.trigger or made
        words = [word.text for word in inner.words]
        if inner.keyword in ("ENV", "LABEL"):
            words = [part for word in words for part in word.split("=", 1)]
        flags = [f"--{flag.name}={flag.value}" if flag.value else f"--{flag.name}" for flag in made.flags]
        assert (made.keyword, inner.json, words, flags) == (
            wanted["keyword"].upper(),
            wanted["json"],
            wanted["words"],
            wanted["flags"],
        )
        assert document.source.place(made.keyword_span.start)[0] == wanted["line"]
        heredocs = [[doc.name, doc.body.text] for doc in made.heredocs]
        assert heredocs == wanted["heredocs"] or made.trigger  # the package drops those of ONBUILD


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("FROM a\nRUNN b\n", (2, 1), "unknown instruction: RUNN", "did you mean RUN?"),
        (
            "FROM a\n  COPY  b\n",
            (2, 3),
            "COPY requires at least two arguments, but only one was provided",
            "",
        ),
        ("FROM a\nCOPY --form=x b c\n", (2, 6), "unknown flag: --form", "did you mean --from?"),
        ("FROM a b\n", (1, 1), "FROM requires either one or three arguments", ""),
        ("FROM a AS 1x\n", (1, 11), "invalid name for build stage: '1x'", ""),
        ("RUN a\nFROM b\n", (1, 1), "no build stage in current context: RUN before FROM", ""),
        ("ARG a\n", (1, 1), "no build stage: there is no FROM", ""),
        ("FROM a\nENV b=c d\n", (2, 9), "can't find = in 'd': it must be of the form name=value", ""),
        ("FROM a\nRUN <<EOF\nx\n", (2, 1), "unterminated heredoc", "end it with a line that holds EOF alone"),
        ("FROM a\nHEALTHCHECK TCP 1\n", (2, 13), "unknown type 'TCP' in HEALTHCHECK", ""),
        ("FROM a\nHEALTHCHECK NONE x\n", (2, 1), "HEALTHCHECK NONE takes no arguments", ""),
        ("FROM a\nSHELL bash\n", (2, 1), "SHELL requires the arguments to be in JSON form", ""),
        ("FROM a\nONBUILD FROM b\n", (2, 9), "FROM isn't allowed as an ONBUILD trigger", ""),
        ("FROM a\nUSER\n", (2, 1), "USER requires at least one argument", ""),
        ("FROM a\nENV =b\n", (2, 5), "ENV names can not be blank", ""),
        ("# escape=x\nFROM a\n", (1, 1), "invalid escape token 'x'", ""),
        ("", (1, 1), "file with no instructions", ""),
    ],
)
def test_what_buildkit_refuses_has_a_place_and_a_hint(
    text: str, place: tuple[int, int], message: str, hint: str
) -> None:
    problem = parse("Dockerfile", text).problems[0]
    source = parse("Dockerfile", text).source
    assert (source.place(problem.span.start), problem.message) == (place, message)
    assert problem.hint
    assert hint in problem.hint


def test_every_word_knows_its_place() -> None:
    text = "FROM a AS b\nCOPY --from=b \\\n  # why\n  /x  '/y z' \\\n  /w\n"
    document = parse("Dockerfile", text)
    copy = document.instructions[1]
    assert [document.source.slice(word.span) for word in copy.words] == [word.text for word in copy.words]
    assert document.source.slice(copy.flags[0].span) == "--from=b"
    assert document.source.place(copy.words[0].span.start) == (4, 3)
    assert [comment.text for comment in document.comments] == ["why"]


def test_all_problems_of_a_file_are_told_at_once() -> None:
    found = parse("Dockerfile", "FROM a\nRUNN\nCOPY b\nRUN --mont=x y\n").problems
    assert [problem.message.split(":")[0] for problem in found] == [
        "unknown instruction",
        "COPY requires at least two arguments, but only one was provided",
        "unknown flag",
    ]
