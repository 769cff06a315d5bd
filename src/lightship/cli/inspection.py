"""An image's account on a terminal: a tree with bars; elsewhere the same as plain columns."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from lightship.cli.basis import said_of
from lightship.cli.terminal import size, table
from lightship.inspect.report.model import Fate, Group, HiddenFile, Inspection, LayerFacts, Part

if TYPE_CHECKING:
    from rich.table import Table

GROUPS = {
    Group.APPLICATION: "Application",
    Group.PYTHON: "Python packages",
    Group.RUNTIME: "Python and its standard library",
    Group.DEBIAN: "Debian packages",
    Group.UNOWNED: "Belongs to no package",
}
_PARTS, _LAYERS, _FILES = 8, 10, 10
"""How many lines of each are shown without `--all`."""
_BAR, _GAP, _LEAST = 12, 2, 16
"""Characters of a bar, between columns, and of the least that a column can be cut to."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its title, whether it is aligned to the right, and cut where there is no room."""

    title: str
    right: bool = False
    yields: bool = False
    cut_head: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[str, ...]
    share: float
    strong: bool = False


def show_inspection(found: Inspection, *, whole: bool) -> None:
    """Print the account; without `whole` the largest of each kind, and how many are left out."""
    click.echo(f"{click.style(found.name, bold=True)}  {found.platform}  {found.digest[:19]}")
    click.echo(_totals(found))
    _section("Packages", _PACKAGES, list(_packages(found, whole=whole)))
    _section("Layers, from the bottom", _STACK, list(_layers(found, whole=whole)))
    _section("Largest files", _LARGEST, list(_files(found, whole=whole)))
    _show_waste(found, whole=whole)


def printable(text: str) -> str:
    """Write names of an image's files so that none of them can steer the terminal."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def chain(part: Part, names: dict[str, str]) -> str:
    """Say why a part is there: the way to it, without itself, or that nothing requires it."""
    if part.asked:
        return f"asked for: {part.asked}"
    if not part.why:
        return ""
    if part.why == (part.id,):
        return "nothing requires it" if part.group is Group.PYTHON else "-"
    return " > ".join(names[identity] for identity in part.why[:-1])


_PACKAGES = (
    _Column("", yields=True),
    _Column("size", right=True),
    _Column("share", right=True),
    _Column("with needs", right=True),
    _Column("frees", right=True),
    _Column("there for", yields=True, cut_head=True),
)
_STACK = (
    _Column("#", right=True),
    _Column("unpacked", right=True),
    _Column("compressed", right=True),
    _Column("hidden", right=True),
    _Column("made by", yields=True),
)
_LARGEST = (
    _Column("size", right=True),
    _Column("layer", right=True),
    _Column("path", yields=True, cut_head=True),
)


def _totals(found: Inspection) -> str:
    hidden = f"{size(found.hidden)} hidden by later layers, " if found.hidden else ""
    overhead = f"{size(found.overhead)} of tar headers"
    basis = said_of(found.basis, "read")
    return (
        f"{size(found.unpacked)} unpacked, {size(found.compressed)} compressed, {len(found.layers)} layers\n"
        f"{len(found.files):,} files with {size(found.visible)}, {hidden}{overhead}"
        + (f"\n{basis}" if basis else "")
    )


def _packages(found: Inspection, *, whole: bool) -> Iterator[_Row]:
    names = {part.id: part.name for part in found.parts}
    for facts in found.groups:
        parts = [part for part in found.parts if part.group is facts.group]
        count = f" ({facts.parts})" if facts.parts > 1 else ""
        yield _row(GROUPS[facts.group] + count, facts.size, found, strong=True)
        shown = parts if whole else _worth_showing(parts, found.visible)
        rest = parts[len(shown) :]
        for part in shown:
            guide = "└─ " if part is shown[-1] and not rest else "├─ "
            title = f"{guide}{part.name} {part.version}".rstrip()
            yield _row(title, part.size, found, _needs(part), chain(part, names))
        if rest:
            yield _row(f"└─ {len(rest)} more", sum(part.size for part in rest), found)


def _worth_showing(parts: Sequence[Part], total: int) -> Sequence[Part]:
    large = sum(part.size >= total / 1000 for part in parts[:_PARTS])
    return parts[: max(large, 3)]


def _needs(part: Part) -> tuple[str, str]:
    """Say what a part comes to with all that it needs, and what would go with it, where that is more."""
    return tuple(size(value) if value != part.size else "" for value in (part.total, part.frees))  # type: ignore[return-value]


def _row(
    title: str,
    amount: int,
    found: Inspection,
    needs: tuple[str, str] = ("", ""),
    why: str = "",
    *,
    strong: bool = False,
) -> _Row:
    share = amount / max(found.visible, 1)
    return _Row((title, size(amount), f"{share:.1%}", *needs, why), share, strong)


def _layers(found: Inspection, *, whole: bool) -> Iterator[_Row]:
    largest = sorted(found.layers, key=lambda layer: -layer.unpacked)[: None if whole else _LAYERS]
    rest = [layer for layer in found.layers if layer not in largest]
    for layer in sorted(largest, key=lambda layer: layer.number):
        yield _layer(layer, found)
    if rest:
        sums = sum(layer.unpacked for layer in rest), sum(layer.compressed for layer in rest)
        yield _Row(
            ("", size(sums[0]), size(sums[1]), "", f"{len(rest)} more"), sums[0] / max(found.unpacked, 1)
        )


def _layer(layer: LayerFacts, found: Inspection) -> _Row:
    hidden = size(layer.hidden) if layer.hidden else ""
    cells = (str(layer.number + 1), size(layer.unpacked), size(layer.compressed), hidden, layer.title)
    return _Row(cells, layer.unpacked / max(found.unpacked, 1))


def _files(found: Inspection, *, whole: bool) -> Iterator[_Row]:
    for file in found.files[: None if whole else _FILES]:
        yield _Row((size(file.size), str(file.layer + 1), file.path), file.size / max(found.visible, 1))


def _show_waste(found: Inspection, *, whole: bool) -> None:
    waste = found.waste
    click.echo(f"\n{click.style('Waste', bold=True)}")
    if not waste.files:
        click.echo("no file is hidden by a later layer")
    else:
        part = waste.size / max(found.unpacked, 1)
        click.echo(f"{size(waste.size)} ({part:.1%}) in {len(waste.files):,} files that later layers hide")
    _show_lines([f"{size(lost.size):>8}  {lost.path}: {fate(lost)}" for lost in waste.files], whole=whole)
    if waste.copies:
        extra = sum(copies.size * (len(copies.paths) - 1) for copies in waste.copies)
        click.echo(f"{size(extra)} in copies of files that are elsewhere in the image, too")
    lines = [f"{size(copies.size):>8}  {' = '.join(copies.paths)}" for copies in waste.copies]
    _show_lines(lines, whole=whole)


def fate(lost: HiddenFile) -> str:
    """Say what became of a hidden file; layers are counted from 1, as elsewhere on the terminal."""
    where = f"in layer {lost.layer + 1}, "
    by = f"by layer {lost.by + 1}"
    return (
        where
        + {
            Fate.REMOVED: f"removed {by}",
            Fate.REPLACED: f"replaced {by}",
            Fate.REPEATED: f"stored again with the same content {by}",
        }[lost.fate]
    )


def _show_lines(lines: Sequence[str], *, whole: bool) -> None:
    shown = lines if whole else lines[: _FILES // 2]
    for line in shown:
        click.echo(printable(line))
    if len(lines) > len(shown):
        click.echo(f"{len(lines) - len(shown):>8} more")


def _section(title: str, columns: Sequence[_Column], rows: Sequence[_Row]) -> None:
    if not rows:
        return
    rows = [replace(row, cells=tuple(map(printable, row.cells))) for row in rows]
    click.echo(f"\n{click.style(title, bold=True)}")
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False)
        console.print(_rich(columns, rows, console.width))
    else:
        right = [place for place, column in enumerate(columns) if column.right]
        click.echo(table([column.title for column in columns], [row.cells for row in rows], right=right))


def _rich(columns: Sequence[_Column], rows: Sequence[_Row], width: int) -> Table:
    """Lay rows out for the width of the terminal, with a bar before the last column."""
    from rich.table import Table
    from rich.text import Text

    widths = _widths(columns, rows, width)
    made = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    for column, room in zip(columns[:-1], widths, strict=False):
        made.add_column(column.title, justify="right" if column.right else "left", no_wrap=True, width=room)
    made.add_column("", no_wrap=True, width=_BAR)
    made.add_column(columns[-1].title, no_wrap=True, width=widths[-1])
    for row in rows:
        pairs = zip(row.cells, columns, widths, strict=True)
        cells = [Text(_shorten(*pair), style="bold" if row.strong else "") for pair in pairs]
        made.add_row(*cells[:-1], Text(_bar(row.share), style="cyan"), cells[-1])
    return made


def _widths(columns: Sequence[_Column], rows: Sequence[_Row], width: int) -> list[int]:
    """Give every column what it needs; those that yield share what is left, the first before the last."""
    found = [
        max(len(column.title), *(len(row.cells[place]) for row in rows))
        for place, column in enumerate(columns)
    ]
    left = (
        width
        - _BAR
        - _GAP * len(columns)
        - sum(room for room, column in zip(found, columns, strict=True) if not column.yields)
    )
    for place, column in enumerate(columns):
        if column.yields:
            is_last = place == len(columns) - 1
            found[place] = max(min(found[place], left if is_last else left - _LEAST), _LEAST)
            left -= found[place]
    return found


def _shorten(text: str, column: _Column, room: int) -> str:
    """Cut what does not fit: of a path or a chain its head, of anything else its end."""
    if len(text) <= room:
        return text
    return f"…{text[len(text) - room + 1 :]}" if column.cut_head else f"{text[: room - 1]}…"


def _bar(share: float) -> str:
    """Draw a share of the whole in eighths of a character."""
    eighths = round(min(share, 1) * _BAR * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
