from __future__ import annotations

import pytest

from lightship.dockerfile.ignores import check_configured
from lightship.dockerfile.lint import RULES, Options, lint_text
from lightship.errors import UsageError
from tests.unit.dockerfile.checking import codes

ROOT = "FROM python:3.11-slim\n{}USER root\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# lightship: ignore=LD501 it binds port 80\n",
        "#lightship:ignore = LD501: it binds port 80\n",
        "# lightship: ignore=LD501-root-user it binds port 80\n",
        "# lightship: ignore=LD209,LD501 both\n\n# another comment\n",
        "# hadolint ignore=DL3002\n",
        "# hadolint ignore=DL3008,DL3002\n",
    ],
)
def test_a_comment_silences_the_next_instruction(comment: str) -> None:
    assert codes(ROOT.format(comment)) == []


def test_a_comment_within_an_instruction_silences_it() -> None:
    text = (
        "FROM python:3.11-slim\nUSER 1\nRUN true && \\\n  # lightship: ignore=LD209 wanted\n  pip install a\n"
    )
    assert codes(text) == []


def test_a_reason_is_required() -> None:
    assert codes(ROOT.format("# lightship: ignore=LD501\n")) == ["LD001", "LD501"]


def test_an_ignore_that_silences_nothing_is_found() -> None:
    assert codes(
        "FROM python:3.11-slim\n# lightship: ignore=LD209 no\nUSER 1\n# lightship: ignore=LD209 no\n"
    ) == [
        "LD002",
        "LD002",
    ]


def test_hadolints_global_ignore_holds_for_the_file() -> None:
    assert codes(
        "# hadolint global ignore=DL3007,DL3042\nFROM python:latest\nRUN pip install a\nUSER 1\n"
    ) == ["LD204"]


def test_configured_ignores() -> None:
    found = lint_text("Dockerfile", ROOT.format(""), Options(ignored={"LD501": "why"})).findings
    assert found == ()


@pytest.mark.parametrize(
    ("ignored", "message", "hint"),
    [
        ({"LD510": "x"}, "lint.ignore: there is no rule LD510", "did you mean LD501?"),
        ({"LD501": " "}, "lint.ignore: LD501 has no reason", 'write LD501 = "why it is ignored"'),
    ],
)
def test_configured_ignores_are_checked(ignored: dict[str, str], message: str, hint: str) -> None:
    check_configured({"LD501-root-user": "x", "DL3008": "y", "SC2086": "z"}, [rule.id for rule in RULES], "f")
    with pytest.raises(UsageError) as caught:
        check_configured(ignored, [rule.id for rule in RULES], "pyproject.toml")
    assert (caught.value.message, caught.value.where) == (message, "pyproject.toml")
    assert caught.value.hint[:10] == hint[:10]
