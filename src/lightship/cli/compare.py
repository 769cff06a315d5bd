"""`lightship compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.build.machine import Machine
from lightship.cli.options import Output, common, machine, registries
from lightship.cli.terminal import show_json, size, table
from lightship.errors import UsageError
from lightship.platform import parse_platform

if TYPE_CHECKING:
    from lightship.inspect.compare import Comparison, Sized
    from lightship.inspect.growth import Growth
    from lightship.inspect.oracle.projects import Forecast
    from lightship.inspect.oracle.strategies import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What the command line asks for."""

    variants: tuple[str, ...]
    targets: tuple[str, ...]
    platform: str
    strategies: bool
    chart: Path | None
    against: str
    max_growth: str
    locked: bool
    offline: bool


@dataclass
class _Found:
    """What there is to compare; `archives` has what builds of predicted images take, in bytes."""

    images: list[Sized] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    archives: int = 0
    fetched: int = 0


@click.command()
@click.argument("images", nargs=-1)
@click.option(
    "--variant", "variants", multiple=True, help="A project's variant (repeatable); all by default."
)
@click.option(
    "--target", "targets", multiple=True, help="A project's target (repeatable); production by default."
)
@click.option(
    "--platform",
    default="",
    help="Of a project, by default the first configured; of an index, by default this machine's.",
)
@click.option(
    "--strategies", is_flag=True, help="Add what hand-written Dockerfiles would make of the same lock."
)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw the sizes to FILE.svg or FILE.png."
)
@click.option(
    "--against", default="", metavar="REF", help="Tell how much bigger each image is than this one."
)
@click.option(
    "--max-growth",
    default="",
    metavar="LIMIT",
    help="With --against: exit code 1 beyond it, such as 5% or 10MB.",
)
@click.option("--locked", is_flag=True, help="Fail if a project's lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@common
def command(*, images: tuple[str, ...], output: Output, **given: Any) -> int:
    """Show the sizes of images side by side, and what each shares with the first.

    IMAGES are projects' folders (`.` by default), names in the local store, oci:DIR, or references of
    registries.

    What a project's variants would come to is predicted, without building them and nearly without fetching:
    from the lock, the directories of its wheels and the Debian packages of the base. What is built is
    measured. Of an image in a registry, only manifest and configuration are fetched.
    """
    from lightship.inspect.chart import check_chart, write_chart
    from lightship.inspect.compare import side_by_side

    options, surroundings = _Options(**given), machine(output, offline=given["offline"])
    names = images or (".",)
    _check(names, options)
    if options.chart:
        check_chart(options.chart)
    found = _find(names, options, surroundings)
    compared, growth = side_by_side(found.images), _growth(found.images, options, surroundings)
    if options.chart:
        write_chart(options.chart, compared)
    if output.as_json:
        show_json(_facts(compared, found, growth))
    else:
        for line in _text(compared, found, growth):
            click.echo(line)
    return 0 if all(one.allowed for one in growth) or not options.max_growth else 1


def _check(names: Sequence[str], options: _Options) -> None:
    from lightship.inspect.growth import parse_limit

    projects = any(Path(name).is_dir() for name in names)
    if not projects and (options.variants or options.targets or options.strategies or options.locked):
        raise UsageError(
            "--variant, --target, --strategies and --locked are about a project",
            where=", ".join(names),
            hint="name the project's folder, or leave them out",
        )
    if options.max_growth:
        parse_limit(options.max_growth)
        if not options.against:
            raise UsageError("--max-growth needs --against", hint="name the image that must not be outgrown")


def _find(names: Sequence[str], options: _Options, surroundings: Machine) -> _Found:
    found = _Found()
    for name in names:
        if Path(name).is_dir():
            _add_project(Path(name), options, surroundings, found)
        else:
            found.images.append(_measure(name, options, surroundings))
    return found


def _add_project(folder: Path, options: _Options, surroundings: Machine, found: _Found) -> None:
    from lightship.inspect.compare import Sized, expected
    from lightship.inspect.oracle.projects import Forecast, Wanted
    from lightship.project.detect import read_project

    forecast: Forecast = Forecast(read_project(folder), surroundings)
    wanted = Wanted(
        variants=options.variants,
        targets=options.targets,
        platform=parse_platform(options.platform) if options.platform else None,
        locked=options.locked,
    )
    predictions = forecast.predict(wanted)
    if options.strategies:
        made, steps = forecast.strategies()
        found.images += [Sized(one.name, one.basis, one.unpacked, one.compressed, 0) for one in made]
        found.steps += steps
    found.images += [expected(prediction) for prediction in predictions]
    found.archives += forecast.archives
    found.fetched += forecast.fetched


def _measure(name: str, options: _Options, surroundings: Machine) -> Sized:
    from lightship.build.store import find_any
    from lightship.inspect.compare import measured

    wanted = parse_platform(options.platform) if options.platform else None
    connect = registries(surroundings)
    full, image = find_any(name, "", surroundings, platform=wanted, connect=connect)
    return measured(full, image, surroundings.home, surroundings.reporter)


def _growth(images: Sequence[Sized], options: _Options, surroundings: Machine) -> list[Growth]:
    if not options.against:
        return []
    from lightship.inspect.growth import Limit, grown, parse_limit

    limit = parse_limit(options.max_growth) if options.max_growth else Limit()
    return list(grown(images, _measure(options.against, options, surroundings), limit))


def _facts(compared: Sequence[Comparison], found: _Found, growth: Sequence[Growth]) -> dict[str, object]:
    fetched = {"fetched": found.fetched, "archives": found.archives}
    return {"images": compared, "steps": found.steps, "growth": growth, **fetched}


def _text(compared: Sequence[Comparison], found: _Found, growth: Sequence[Growth]) -> Iterator[str]:
    header = ("image", "unpacked", "compressed", "", "layers", "shared", "of the first's size")
    whole = next((one for one in compared if one.layers), None)
    yield table(header, [_row(one, compared[0], whole) for one in compared], right=(1, 2, 4, 5, 6))
    if any(one.unpacked is None for one in compared):
        yield "?  is in a registry: `lightship pull` fetches it, then its layers can be measured"
    if found.steps:
        rows = [
            (one.step, _signed(one.unpacked), _signed(one.compressed), _basis(one), one.why)
            for one in found.steps
        ]
        yield "\n" + table(("step", "saves", "compressed", "", "why"), rows, right=(1, 2))
    if growth:
        yield "\n" + table(
            ("image", "", "before", "now", "", "growth", ""), [*map(_grown, growth)], right=(2, 3, 5)
        )
    for note in dict.fromkeys(note for one in compared for note in one.notes):
        yield f"note: {', '.join(one.name for one in compared if note in one.notes)}: {note}"
    if found.archives:
        of = f"what is built from {size(found.archives)} of archives"
        yield f"fetched {size(found.fetched)} to predict {of}"


def _row(one: Comparison, first: Comparison, whole: Comparison | None) -> tuple[str, ...]:
    """Show an image; `whole` is the first whose layers are known."""
    shared = size(one.shared) if one is not whole and one.layers else ""
    part, unpacked = "", "?"
    if one.unpacked is not None:
        unpacked = size(one.unpacked)
        part = f"{one.unpacked / max(first.unpacked, 1):.0%}" if first.unpacked and one is not first else ""
    return (one.name, unpacked, size(one.compressed), _basis(one), str(one.layers or ""), shared, part)


def _grown(one: Growth) -> tuple[str, ...]:
    change = one.after - one.before
    words = f"{'+' * (change >= 0)}{_signed(change)} ({change / max(one.before, 1):+.1%})"
    verdict = "" if one.allowed else "too much"
    return (one.name, one.what, size(one.before), size(one.after), _basis(one), words, verdict)


def _basis(one: Comparison | Growth | Step) -> str:
    from lightship.inspect.oracle.model import basis_words

    return basis_words(one.basis, one.without)


def _signed(count: int) -> str:
    return f"-{size(-count)}" if count < 0 else size(count)
