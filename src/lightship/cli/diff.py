"""`lightship diff`."""

from __future__ import annotations

from contextlib import ExitStack

import click

from lightship.cli.basis import full_option
from lightship.cli.engines import DIRECT, stored_image
from lightship.cli.options import Output, common, machine
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json
from lightship.project.config import PRODUCTION


@click.command()
@click.argument("before")
@click.argument("after")
@platform_option
@click.option("--all", "whole", is_flag=True, help="Show every package and path that differs.")
@click.option("--exit-code", "with_code", is_flag=True, help="Exit with 1 if there are differences.")
@full_option
@common
def command(
    *,
    before: str,
    after: str,
    platform: str,
    whole: bool,
    with_code: bool,
    full: bool,
    output: Output,
) -> int:
    """Show what two images differ in: configuration, packages, files, and where their layers part.

    BEFORE and AFTER are names in the local store, folders of projects, oci:DIR, or references of
    registries, from which the layers are read that are not known yet: where a scan is attached to an image
    (`push --attest scan`), that is read in their place, and of eStargz layers their tables of contents.
    Where their layers part, it says which layer is the first that differs, and in what: that is what makes
    two builds of one lock differ.
    """
    from lightship.inspect.diff.images import diff_images

    surroundings = machine(output)
    wanted, cache = parse_option(platform), surroundings.home.cache
    with ExitStack() as stack:
        images = [
            stack.enter_context(
                stored_image(
                    image,
                    "",
                    PRODUCTION,
                    wanted,
                    engine=DIRECT,
                    surroundings=surroundings,
                    output=output,
                )
            )
            for image in (before, after)
        ]
        found = diff_images(images[0], images[1], cache=cache, reporter=surroundings.reporter, full=full)
    if output.as_json:
        show_json(found)
    else:
        from lightship.cli.differences import show_differences

        show_differences(found, whole=whole)
    return int(with_code and not found.identical)
