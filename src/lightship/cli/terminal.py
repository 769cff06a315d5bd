"""Everything that is written to the terminal: errors, tables, sizes, progress."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import click

from lightship.digest import canonical_json
from lightship.errors import LightshipError
from lightship.events import SilentTask, Task

_ISSUES = "please report it with the output of the same command and --debug"


def show_error(error: LightshipError, *, as_json: bool) -> None:
    """Print what failed, where, and what to do next."""
    if as_json:
        fields = ("title", "message", "where", "hint", "detail", "exit_code")
        show_json({"error": {name: getattr(error, name) for name in fields}})
        return
    click.echo(f"{click.style(error.title + ':', fg='red', bold=True)} {error.message}", err=True)
    if error.where:
        click.echo(f"  at:  {error.where}", err=True)
    for line in error.detail.splitlines():
        click.echo(f"  | {line}", err=True)
    if error.hint:
        click.echo(f"  try: {error.hint}", err=True)


def bug(error: Exception) -> LightshipError:
    return LightshipError(f"{type(error).__name__}: {error}", hint=_ISSUES)


def show_json(value: Any) -> None:
    click.echo(canonical_json(value).decode())


def size(count: float) -> str:
    """Write a number of bytes as people do, in units of 1000: `1.18 GB`."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5 or unit == "GB":
            return f"{count:.3g} {unit}" if count < 99.5 else f"{count:.0f} {unit}"
    raise AssertionError


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Lay rows out in columns; the columns in `right` are aligned to the right."""
    lines = [header, *rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(header))]
    shown = []
    for row in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        shown.append("  ".join(cells).rstrip())
    shown[0] = click.style(shown[0], dim=True)
    return "\n".join(shown)


class TerminalReporter:
    """Progress bars on a terminal, plain lines elsewhere; all of it on standard error.

    `level` is 0 for warnings alone (`-q`), 1 for progress, 2 for notes too (`-v`).
    """

    def __init__(self, level: int) -> None:
        self._level = level

    def task(self, label: str, total: int | None = None, *, unit: str = "B") -> Task:
        if self._level == 0:
            return SilentTask()
        return _BarTask(label, total, unit) if sys.stderr.isatty() else _LineTask(label, total, unit)

    def note(self, message: str) -> None:
        if self._level > 1:
            click.echo(f"note: {message}", err=True)

    def warn(self, message: str) -> None:
        click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {message}", err=True)


class _LineTask(SilentTask):
    """Says that work begins; what it came to is said by whoever asked for it."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        amount = f" ({size(total)})" if total and unit == "B" else ""
        click.echo(f"{label}{amount}", err=True)


class _BarTask:
    """A bar that goes when the work ends."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TransferSpeedColumn as Speed

        counts = (DownloadColumn(), Speed()) if unit == "B" else (MofNCompleteColumn(),)
        columns = counts if total else ()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *columns,
            console=Console(stderr=True),
            transient=True,
        )
        self._id = self._progress.add_task(label, total=total)

    def advance(self, amount: int) -> None:
        self._progress.advance(self._id, amount)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
