"""`lightship plan`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lightship.cli.options import Output, common, machine, path_argument, target_option
from lightship.cli.terminal import show_json, size, table
from lightship.oci.record import LayerRecord
from lightship.plan.model import Plan
from lightship.wheels.model import LockedLibrary

if TYPE_CHECKING:
    from lightship.build.savings import Savings


@click.command()
@path_argument
@click.option("--variant", default="", help="The variant; the configured one by default.")
@target_option
@click.option("--platform", default="", help="Such as linux/arm64; the first configured one by default.")
@click.option("--locked", is_flag=True, help="Fail if the lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@common
def command(
    *,
    path: Path,
    variant: str,
    target: str,
    platform: str,
    locked: bool,
    offline: bool,
    output: Output,
) -> None:
    """Say what the image will hold, layer by layer, before anything is downloaded."""
    from lightship.build.building import advice, builder_for, plan_project
    from lightship.build.savings import count_savings
    from lightship.platform import parse_platform
    from lightship.project.detect import read_project

    project = read_project(path)
    surroundings = machine(output, offline=offline)
    chosen = parse_platform(platform) if platform else project.platforms[0]
    variant = variant or project.config.variant
    plan = plan_project(project, variant, chosen, surroundings, locked=locked, target=target)
    known = builder_for(project, surroundings).known(plan)
    notes = (*project.found, *plan.notes, *advice(project, plan, surroundings))
    savings = count_savings(plan, surroundings.home)
    if output.as_json:
        show_json({"plan": plan, "known": known, "trimmed": savings, "notes": notes})
        return
    click.echo(f"{plan.name}, variant {plan.variant}, {plan.platform}, {plan.target}")
    if plan.base:
        glibc = ".".join(map(str, plan.base.glibc))
        click.echo(f"on {plan.base.reference} ({plan.base.digest}): Python {plan.base.python}, glibc {glibc}")
    click.echo()
    click.echo(_layers(plan, known))
    for line in _reasons(plan.libraries):
        click.echo(line)
    for paragraph in _trimmed(savings):
        click.echo(f"\n{paragraph}")
    click.echo(f"\nstarted as {plan.execution.user}: {' '.join(plan.execution.argv)}")
    for note in notes:
        click.echo(f"note: {note}")


def _layers(plan: Plan, known: Sequence[LayerRecord | None]) -> str:
    rows = [
        (str(number), _size(layer.download), *_sizes(record), _shorten(layer.title))
        for number, (layer, record) in enumerate(zip(plan.layers, known, strict=True), 1)
    ]
    total = ("", _size(sum(layer.download for layer in plan.layers)), *_totals(known), "altogether")
    header = ("layer", "archives", "compressed", "unpacked", "holds")
    return table(header, [*rows, total], right=(0, 1, 2, 3))


def _reasons(libraries: Sequence[LockedLibrary]) -> Iterator[str]:
    """Say for each package that was found for wheels who asked for it."""
    asking: dict[str, list[LockedLibrary]] = {}
    for library in libraries:
        asking.setdefault(library.package, []).append(library)
    if asking:
        yield "\nDebian packages that wheels ask for:"
    for package, found in sorted(asking.items()):
        others = {library.wheel for library in found} - {found[0].wheel}
        more = f" and {len(others)} more" if others else ""
        yield f"  {package}: {found[0].wheel} ({found[0].file} needs {found[0].soname}){more}"


def _sizes(record: LayerRecord | None) -> tuple[str, str]:
    """Sizes of a layer that was made before; of another, what it comes to is known when it is made."""
    return (size(record.descriptor.size), size(record.unpacked)) if record else ("", "")


def _totals(known: Sequence[LayerRecord | None]) -> tuple[str, str]:
    records = [record for record in known if record]
    if len(records) < len(known):
        return "", ""
    compressed = sum(record.descriptor.size for record in records)
    return size(compressed), size(sum(record.unpacked for record in records))


def _size(count: int) -> str:
    return size(count) if count else ""


def _trimmed(savings: Savings) -> Iterator[str]:
    """Show what each rule leaves out, as paragraphs."""
    rows = [(size(each.bytes), each.rule, _shorten(each.reason)) for each in savings.rules]
    if rows:
        yield table(("saved", "rule", "left out"), [*rows, (size(savings.bytes), "all", "")], right=(0,))
    if savings.uncounted:
        yield f"not counted: what is trimmed from {savings.uncounted} archives that are not fetched yet"


def _shorten(title: str, width: int = 70) -> str:
    return title if len(title) <= width else title[: width - 1] + "…"
