"""What a build says of the images that it made."""

from __future__ import annotations

from typing import Any

import click

from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.build.savings import count_savings
from lightship.cli.terminal import size
from lightship.plan.model import Plan


def trimmed_bytes(plan: Plan, built: Built, surroundings: Machine) -> int:
    """Count what trimming leaves out; where a layer cache says it, its archives need not be here."""
    return count_savings(plan, surroundings.home).bytes if built.trimmed is None else built.trimmed


def image_facts(plan: Plan, built: Built, trimmed: int) -> dict[str, Any]:
    """Say as JSON what an image came to, in bytes."""
    return {
        "digest": built.descriptor.digest,
        "platform": str(plan.platform),
        "variant": plan.variant,
        "target": plan.target,
        "unpacked": built.unpacked,
        "compressed": built.compressed,
        "added": built.added,
        "trimmed": trimmed,
        "budget": plan.budget,
        "layers": [
            {
                "title": layer.title,
                "digest": layer.record.descriptor.digest,
                "made": layer.made,
                "cache": str(layer.hit.place) if layer.hit else "",
            }
            for layer in built.layers
        ],
    }


def _news(built: Built) -> str:
    made = sum(layer.made for layer in built.layers)
    parts = [f"{len(built.hits)} from the cache"] if built.hits else []
    parts += [f"{made} made, {size(built.added)}"] if made else []
    return ", ".join(parts) or "all there already"


def say_image(title: str, plan: Plan, built: Built, trimmed: int, taken: str) -> None:
    """Say in some lines what an image came to."""
    click.echo(f"{title}  {plan.platform}  {built.descriptor.digest}".lstrip())
    click.echo(
        f"  {size(built.unpacked)} unpacked, {size(built.compressed)} compressed, "
        f"{len(built.layers)} layers ({_news(built)}){taken}"
    )
    if trimmed:
        click.echo(f"  {size(trimmed)} trimmed: `lightship plan` says what and why")
    for note in built.notes:
        click.echo(f"  note: {note}")
    if plan.budget is not None and built.unpacked > plan.budget:
        click.echo(f"  note: over its budget of {size(plan.budget)}: `lightship verify` will fail")
