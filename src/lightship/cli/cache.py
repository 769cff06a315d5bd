"""`lightship cache`."""

from __future__ import annotations

import click

from lightship.cli.options import Output, common, machine
from lightship.cli.terminal import show_json, size, table


@click.group()
def command() -> None:
    """Show or empty the cache of archives, layers and unpacked roots."""


@command.command()
@common
def info(*, output: Output) -> None:
    """Say what the cache holds, and where."""
    from lightship.build.prune import cache_info

    parts = cache_info(machine(output, claim=False).home)
    if output.as_json:
        show_json(parts)
        return
    rows = [(part.what, str(part.files), size(part.size), part.folder) for part in parts]
    click.echo(table(("part", "files", "size", "folder"), rows, right=(1, 2)))


@command.command()
@common
def prune(*, output: Output) -> None:
    """Empty the cache, and remove what no named image needs. Images stay."""
    from lightship.build.prune import prune as empty

    freed = empty(machine(output, claim=False).home)
    if output.as_json:
        show_json({"freed": freed})
    else:
        click.echo(f"freed {size(freed)}")
