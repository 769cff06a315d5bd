"""What two images differ in, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from lightship.cli.basis import said_of
from lightship.cli.inspection import GROUPS, printable
from lightship.cli.terminal import size, table
from lightship.digest import canonical_json
from lightship.inspect.diff.model import (
    Aspect,
    Cause,
    FieldChange,
    ImageDiff,
    LayerDifference,
    LayerSummary,
    PartChange,
    PartState,
    PathChange,
    PathState,
)

_LINES = 15
"""How many of each kind are shown without `--all`."""
_LONGEST_VALUE = 100


def show_differences(found: ImageDiff, *, whole: bool) -> None:
    """Print the differences; without `whole` the first of each kind, and how many are left out."""
    _show_sides(found)
    if found.identical:
        click.echo("\nthe images are the same")
        return
    _show_first(found, whole=whole)
    if found.configuration:
        _show_configuration(found.configuration, whole=whole)
    if found.parts:
        _title("Packages", _counts(found.parts))
        rows = [_part(change) for change in _first(found.parts, whole=whole)]
        click.echo(table(("", "kind", "before", "after", "change"), rows, right=(4,)))
        _show_rest(found.parts, whole=whole)
    if found.paths:
        _title("Files and folders", _counts(found.paths))
        _show((_path(change) for change in found.paths), whole=whole)


def signed(count: int) -> str:
    """Write a difference of sizes with its sign."""
    return f"{'-' if count < 0 else '+'}{size(abs(count))}" if count else "±0"


def _show_sides(found: ImageDiff) -> None:
    rows = [
        (
            side.name,
            side.digest[:19],
            size(side.unpacked),
            size(side.compressed),
            str(side.layers),
            f"{side.files:,}",
        )
        for side in (found.before, found.after)
    ]
    before, after = found.before, found.after
    growth = (signed(after.unpacked - before.unpacked), signed(after.compressed - before.compressed))
    rows.append(
        ("change", "", *growth, f"{after.layers - before.layers:+d}", f"{after.files - before.files:+,d}")
    )
    header = ("image", "digest", "unpacked", "compressed", "layers", "files")
    click.echo(table(header, rows, right=(2, 3, 4, 5)))
    for side in (found.before, found.after):
        if basis := said_of(side.basis, "read"):
            click.echo(f"{side.name}: {basis}")
    click.echo(f"shared: {_many(found.shared_layers, 'layer')}, {size(found.shared_bytes)} compressed")


def _show_first(found: ImageDiff, *, whole: bool) -> None:
    first = found.first
    if found.lock:
        click.echo(f"both were built from one lock, {found.lock[:19]}")
    if first is None:
        _title("Layers", "all the same")
        return
    _title("Layers", f"they differ from layer {first.number + 1} on")
    for name, layer in (("before", first.before), ("after", first.after)):
        click.echo(f"  {name:>6}: {_layer(layer)}")
    click.echo(f"  {_cause(first)}")
    if _is_one_layer(first):
        _show((_path(change) for change in first.members), whole=whole)


def _is_one_layer(first: LayerDifference) -> bool:
    """Tell whether a layer was made in another way, rather than being another layer."""
    return first.before is not None and first.after is not None and first.before.title == first.after.title


def _layer(layer: LayerSummary | None) -> str:
    if layer is None:
        return "no such layer"
    return f"{printable(layer.title) or 'a layer'}, {size(layer.unpacked)}, {layer.digest[:19]}"


def _cause(first: LayerDifference) -> str:
    return {
        Cause.ABSENT: "one image ends where the other goes on",
        Cause.COMPRESSION: "the same tar, compressed in another way",
        Cause.ORDER: "the same members in another order",
        Cause.HEADERS: "the same members, whose headers are written in another way",
        Cause.MEMBERS: f"{_many(len(first.members), 'path')} of it not the same:"
        if _is_one_layer(first)
        else "another layer stands here",
    }[first.cause]


def _title(title: str, about: str) -> None:
    click.echo(f"\n{click.style(title, bold=True)}: {about}")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s'[: count != 1]}"


def _counts(changes: Sequence[PartChange] | Sequence[PathChange]) -> str:
    added = sum(change.before is None for change in changes)
    removed = sum(change.after is None for change in changes)
    return f"{added:,} added, {removed:,} removed, {len(changes) - added - removed:,} changed"


def _show_configuration(changes: Sequence[FieldChange], *, whole: bool) -> None:
    """Print fields; the history, which says of each layer what its content says, only in all."""
    told = [change for change in changes if whole or not change.field.startswith("history[")]
    _title("Configuration", f"{_many(len(changes), 'field')} differ")
    _show(map(_field, told), whole=whole)
    if len(told) < len(changes):
        click.echo(f"  {len(changes) - len(told):,} in the history; --all shows them")


def _field(change: FieldChange) -> str:
    return f"  {change.field}: {_value(change.before)} → {_value(change.after)}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else canonical_json(value).decode()
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _part(change: PartChange) -> tuple[str, ...]:
    sign = "+" if change.before is None else "-" if change.after is None else "~"
    states = (_part_state(change.before), _part_state(change.after))
    return (printable(f"{sign} {change.name}"), GROUPS[change.group], *states, signed(change.growth))


def _part_state(state: PartState | None) -> str:
    return f"{state.version}  {size(state.size)}".strip() if state else ""


def _path(change: PathChange) -> str:
    if change.before is None or change.after is None:
        state = change.before or change.after
        amount = size(state.size) if state and state.kind == "file" else state.kind if state else ""
        return f"  {'+' if change.before is None else '-'} {change.path}  {amount}"
    said = (_aspect(aspect, change, change.before, change.after) for aspect in change.aspects)
    return f"  ~ {change.path}  {', '.join(said)}"


def _aspect(aspect: Aspect, change: PathChange, before: PathState, after: PathState) -> str:
    if aspect is Aspect.CONTENT:
        grown = f", {size(before.size)} → {size(after.size)}" if before.size != after.size else ""
        place = "" if change.offset is None else f" from byte {change.offset:,} on"
        return f"content{place}{grown}"
    return f"{aspect} {getattr(before, aspect)} → {getattr(after, aspect)}"


def _first(items: Sequence[Any], *, whole: bool) -> Sequence[Any]:
    return items if whole else items[:_LINES]


def _show(lines: Iterable[str], *, whole: bool) -> None:
    found = list(lines)
    for line in _first(found, whole=whole):
        click.echo(printable(line))
    _show_rest(found, whole=whole)


def _show_rest(items: Sequence[Any], *, whole: bool) -> None:
    if not whole and len(items) > _LINES:
        click.echo(f"  {len(items) - _LINES:,} more; --all shows them")
