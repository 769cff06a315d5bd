"""`lightship diff`."""

from __future__ import annotations

import click

from lightship.cli.options import Output, common, machine, registries
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json


@click.command()
@click.argument("before")
@click.argument("after")
@platform_option
@click.option("--all", "whole", is_flag=True, help="Show every package and path that differs.")
@click.option("--exit-code", "with_code", is_flag=True, help="Exit with 1 if there are differences.")
@common
def command(*, before: str, after: str, platform: str, whole: bool, with_code: bool, output: Output) -> int:
    """Show what two images differ in: configuration, packages, files, and where their layers part.

    BEFORE and AFTER are names in the local store, folders of projects, oci:DIR, or references of
    registries, from which the layers are read that are not known yet. Where their layers part, it says
    which layer is the first that differs, and in what: that is what makes two builds of one lock differ.
    """
    from lightship.build.store import find_any
    from lightship.inspect.diff.images import diff_images

    surroundings = machine(output)
    wanted, connect = parse_option(platform), registries(surroundings)
    images = [
        find_any(image, "", surroundings, platform=wanted, connect=connect) for image in (before, after)
    ]
    cache, reporter = surroundings.home.cache, surroundings.reporter
    found = diff_images(images[0], images[1], cache=cache, reporter=reporter)
    if output.as_json:
        show_json(found)
    else:
        from lightship.cli.differences import show_differences

        show_differences(found, whole=whole)
    return int(with_code and not found.identical)
