"""Any text is read without a crash, as BuildKit reads it; what is mended parses, and stays mended."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lightship.dockerfile.fix import fix_text
from lightship.dockerfile.lint import Options, lint_text
from lightship.dockerfile.parser import parse

PIECES = (
    *(
        "a",
        "b",
        "=",
        "\\",
        "\\\n",
        "\n",
        '"',
        "'",
        " ",
        "\t",
        "\r\n",
        "\v",
        "`",
        "&&",
        ";",
        "|",
        "(",
        "$(",
        "${",
        "$A",
    ),
    *(
        "--from=a",
        "--x",
        "--",
        "<<EOF",
        "<<-EOF",
        "EOF",
        "\nEOF\n",
        "\n# c\n",
        "# c",
        "# escape=`\n",
        "<<'E'",
        "\nE\n",
    ),
    *(
        "pip install ",
        "apt-get update ",
        "chown -R 1 ",
        "/app",
        "rm -rf ",
        "sh",
        "3",
        "{",
        "}",
        "\\ ",
        "é",
        ".",
    ),
)
KEYWORDS = (
    *(
        "FROM",
        "RUN",
        "COPY",
        "ADD",
        "ENV",
        "ARG",
        "LABEL",
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
        "ONBUILD",
        "USER",
    ),
    *("WORKDIR", "VOLUME", "EXPOSE", "SHELL", "from", "RUNN", "#"),
)
LINES = st.builds(
    lambda keyword, gap, pieces: f"{keyword}{gap}{''.join(pieces)}\n",
    st.sampled_from(KEYWORDS),
    st.sampled_from([" ", "  ", "\t", "\n", " \\\n"]),
    st.lists(st.sampled_from(PIECES), max_size=8),
) | st.sampled_from(
    ['RUN ["a"]\n', 'COPY --from=x ["a", "b c"]\n', 'CMD ["a",\\\n"b"]\n', "CMD [1]\n", "RUN [a]\n"]
)
TEXTS = st.lists(LINES | st.sampled_from(PIECES), max_size=7).map("".join)

# Whole files: what lint has rules for, in any order.
INSTRUCTIONS = st.sampled_from(
    [
        *(
            "COPY . .",
            "COPY app /app",
            "COPY --from=0 /wheels /wheels",
            "COPY --from=b /wheels/ /wheels/",
            "ADD .env /",
        ),
        *(
            "WORKDIR /app",
            "USER root",
            "USER app",
            "ENV A=b PIP_NO_CACHE_DIR=1",
            "ENV PYTHONDONTWRITEBYTECODE=1",
        ),
        *(
            "RUN pip install -U pip",
            "RUN pip install -U pip && pip install a",
            "RUN pip install \\\n  # why\n  torch",
        ),
        "RUN pip install --no-index -f /wheels /wheels/*.whl && rm -rf /wheels",
        "RUN pip install /wheels/*.whl; \\\n  rm -rf /wheels",
        *(
            "RUN apt-get update",
            "RUN apt-get install -y gcc",
            "RUN apt-get update && apt-get install -y gcc \\\n  libpq-dev",
        ),
        *(
            "RUN useradd app",
            "RUN chown -R app /app",
            "RUN chown -R app:app .",
            "RUN useradd app && chown -R app /app",
        ),
        *("CMD python x", "CMD python $X", 'CMD ["sh", "-c", "python \\$X"]', "ENTRYPOINT a; b", "CMD a | b"),
        *(
            "FROM python:3.11-slim",
            "FROM python:3.11 AS b",
            "FROM b",
            "FROM python AS b",
            "# lightship: ignore=LD501 x",
        ),
        *(
            "RUN <<EOF\napt-get update\npip install -U pip\nEOF",
            "RUN (pip install -U pip)",
            "RUN apk add gcc",
            "# c",
            "",
        ),
        *(
            "RUN uv pip install a",
            "ARG GIT_SHA",
            "RUN pip install -U pip & pip install b",
            'SHELL ["bash", "-c"]',
        ),
    ]
)
FILES = st.builds(
    lambda escape, lines, newline: newline.join((*escape, "FROM python:3.11 AS a", *lines)),
    st.sampled_from([[], ["# syntax=docker/dockerfile:1"]]),
    st.lists(INSTRUCTIONS, max_size=14),
    st.sampled_from(["\n", "\n\n"]),
)


@given(TEXTS | st.text() | FILES)
@settings(deadline=None)
def test_any_text_is_read_and_checked(text: str) -> None:
    document = parse("Dockerfile", text)
    for instruction in document.instructions:
        assert 0 <= instruction.span.start <= instruction.span.end <= len(text)
        for word in instruction.words:
            assert instruction.span.start <= word.span.start <= word.span.end <= instruction.span.end
    result = lint_text("Dockerfile", text, Options())
    assert result.broken == bool(document.problems)
    for finding in result.findings:
        assert finding.line >= 1
        assert finding.column >= 1


@given(TEXTS)
@settings(deadline=None)
def test_instructions_and_comments_cover_the_text(text: str) -> None:
    document = parse("Dockerfile", text)
    spans = [*(one.span for one in document.instructions), *(one.span for one in document.comments)]
    covered = {offset for span in spans for offset in range(span.start, span.end)}
    left = "".join(character for offset, character in enumerate(text) if offset not in covered)
    if not document.problems:
        assert left.replace("\\", "").replace("`", "").strip("\ufeff \t\r\n\v\f") == ""


@given(FILES)
@settings(deadline=None, max_examples=200)
def test_what_is_mended_parses_and_is_not_found_again(text: str) -> None:
    before = lint_text("Dockerfile", text, Options())
    fixed = fix_text("Dockerfile", text, Options())
    after = lint_text("Dockerfile", fixed.text, Options())
    assert before.broken == after.broken
    assert not any(finding.edits for finding in after.findings) or before.broken
    assert fix_text("Dockerfile", fixed.text, Options()).text == fixed.text
    comments = [comment.text for comment in parse("Dockerfile", text).comments]
    kept = [comment.text for comment in parse("Dockerfile", fixed.text).comments]
    assert kept == comments or fixed.text.count("#") < text.count("#")


@pytest.mark.skipif(importlib.util.find_spec("dockerfile") is None, reason="the package has no wheel here")
@example("RUN <<EOF${\nFROM \n")
@example("RUN ${a:-b c} <<EOF\nFROM x\nEOF\n")
@given(TEXTS.filter(lambda text: "é" not in text and "escape" not in text))
@settings(deadline=None, max_examples=500)
def test_texts_are_read_as_buildkits_own_parser_reads_them(text: str) -> None:
    buildkit: Any = importlib.import_module("dockerfile")
    document = parse("Dockerfile", text)
    try:
        wanted = [command for command in buildkit.parse_string(text) if command.cmd]
    except ValueError:
        assert document.problems
        return
    assert len(document.instructions) == len(wanted)
    for made, theirs in zip(document.instructions, wanted, strict=True):
        inner = made.trigger or made
        assert (made.keyword.upper(), inner.json) == (theirs.cmd.upper(), theirs.json)
        assert document.source.place(made.span.start)[0] >= theirs.start_line
        assert tuple(doc.body.text for doc in made.heredocs) == tuple(doc.content for doc in theirs.heredocs)
        if inner.keyword in ("FROM", "RUN", "COPY", "ADD", "ARG", "CMD", "ENTRYPOINT", "USER", "WORKDIR"):
            assert tuple(word.text for word in inner.words) == tuple(theirs.value)
            flags = tuple(f"--{flag.name}={flag.value}".rstrip("=") for flag in made.flags)
            assert flags == tuple(flag.rstrip("=") for flag in theirs.flags)
