"""`lightship compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lightship.cli.options import Output, common, machine, registries
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json, size, table

if TYPE_CHECKING:
    from lightship.inspect.compare import Comparison


@click.command()
@click.argument("images", nargs=-1, required=True)
@platform_option
@common
def command(*, images: tuple[str, ...], platform: str, output: Output) -> None:
    """Show the sizes of images side by side, and what each shares with the first.

    IMAGES are names in the local store, folders of projects, oci:DIR, or references of registries: of those,
    only manifest and configuration are fetched.
    """
    from lightship.build.store import find_any
    from lightship.inspect.compare import compare_images

    surroundings = machine(output)
    wanted, connect = parse_option(platform), registries(surroundings)
    found = [find_any(image, "", surroundings, platform=wanted, connect=connect) for image in images]
    compared = compare_images(found, surroundings.home, surroundings.reporter)
    if output.as_json:
        show_json(compared)
        return
    header = ("image", "unpacked", "compressed", "layers", "shared", "of the first's size")
    click.echo(table(header, [_row(one, compared[0]) for one in compared], right=(1, 2, 3, 4, 5)))
    if any(one.unpacked is None for one in compared):
        click.echo("?  is in a registry: `lightship pull` fetches it, then its layers can be measured")


def _row(one: Comparison, first: Comparison) -> tuple[str, ...]:
    shared = size(one.shared) if one is not first else ""
    part, unpacked = "", "?"
    if one.unpacked is not None:
        unpacked = size(one.unpacked)
        part = f"{one.unpacked / max(first.unpacked, 1):.0%}" if first.unpacked and one is not first else ""
    return (one.name, unpacked, size(one.compressed), str(one.layers), shared, part)
