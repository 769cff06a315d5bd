"""`lightship plan`."""

from __future__ import annotations

from pathlib import Path

import click

from lightship.cli.options import Output, common, machine, path_argument
from lightship.cli.terminal import show_json, size, table
from lightship.plan.model import Plan


@click.command()
@path_argument
@click.option("--variant", default="", help="The variant; the configured one by default.")
@click.option("--platform", default="", help="Such as linux/arm64; the first configured one by default.")
@click.option("--locked", is_flag=True, help="Fail if the lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@common
def command(*, path: Path, variant: str, platform: str, locked: bool, offline: bool, output: Output) -> None:
    """Say what the image will hold, layer by layer, before anything is downloaded."""
    from lightship.build.building import plan_project
    from lightship.platform import parse_platform
    from lightship.project.detect import read_project

    project = read_project(path)
    surroundings = machine(output, offline=offline)
    target = parse_platform(platform) if platform else project.platforms[0]
    plan = plan_project(project, variant or project.config.variant, target, surroundings, locked=locked)
    notes = (*project.found, *plan.notes)
    if output.as_json:
        show_json({"plan": plan, "notes": notes})
        return
    click.echo(f"{plan.name}, variant {plan.variant}, {plan.platform}, {plan.target}\n")
    click.echo(_layers(plan))
    click.echo(f"\nstarted as {plan.execution.user}: {' '.join(plan.execution.argv)}")
    for note in notes:
        click.echo(f"note: {note}")


def _layers(plan: Plan) -> str:
    rows = [
        (str(number), size(layer.download) if layer.download else "", _shorten(layer.title))
        for number, layer in enumerate(plan.layers, 1)
    ]
    return table(("layer", "download", "holds"), rows, right=(0, 1))


def _shorten(title: str, width: int = 90) -> str:
    return title if len(title) <= width else title[: width - 1] + "…"
