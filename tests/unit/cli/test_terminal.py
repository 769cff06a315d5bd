from __future__ import annotations

import sys

import click
import pytest

from lightship.cli.terminal import TerminalReporter, size, table


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (99_400, "99.4 kB"),
        (99_600, "100 kB"),
        (999_400, "999 kB"),
        (999_999, "1 MB"),
        (191_794_682, "192 MB"),
        (1_180_000_000, "1.18 GB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_sizes_are_written_as_people_do(count: int, text: str) -> None:
    assert size(count) == text


def test_columns_are_aligned() -> None:
    shown = click.unstyle(table(("layer", "size"), [("a", "1 kB"), ("longer", "10 kB")], right=(1,)))
    assert shown.splitlines() == ["layer    size", "a        1 kB", "longer  10 kB"]


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        (0, ["warning: look"]),
        (1, ["warning: look", "fetching (2 kB)"]),
        (2, ["warning: look", "note: know", "fetching (2 kB)"]),
    ],
)
def test_a_reporter_says_as_much_as_it_is_asked_to(
    level: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = TerminalReporter(level)
    reporter.warn("look")
    reporter.note("know")
    with reporter.task("fetching", 2000) as task:
        task.advance(1000)
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", lines)


def test_on_a_terminal_there_is_a_bar_that_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for unit in ("B", "packages"):
        with TerminalReporter(1).task("working", 3, unit=unit) as task:
            task.advance(2)
    assert capsys.readouterr().out == ""
