"""`lightship inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.build.machine import Machine
from lightship.cli.basis import full_option
from lightship.cli.engines import engine_option, stored_image
from lightship.cli.options import Output, common, machine, target_option
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json
from lightship.errors import UsageError
from lightship.project.config import PRODUCTION

if TYPE_CHECKING:
    from lightship.inspect.report.dists import Asked
    from lightship.inspect.report.model import Inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    image: str
    variant: str
    target: str
    platform: str
    engine: str
    whole: bool
    html: Path | None
    against: str
    full: bool


@click.command()
@click.argument("image", default=".")
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@platform_option
@engine_option("Whose store has the image")
@click.option("--all", "whole", is_flag=True, help="Show every package, layer and file.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write one page with a map of the image, that needs no network.",
)
@click.option("--against", default="", metavar="IMAGE", help="With --html: another image to compare with.")
@full_option
@common
def command(*, output: Output, **given: Any) -> None:
    """Say which package costs what in an image, why it is there, and what is wasted.

    IMAGE is a name in the local store, or an engine's, a project's folder, oci:DIR, or a reference of a
    registry, from which the layers are read that are not known yet: where a scan is attached to the image
    (`push --attest scan`), that is read in their place, and of eStargz layers their tables of contents.
    """
    asked = _Asked(**given)
    if asked.against and asked.html is None:
        raise UsageError(
            "--against goes with --html",
            hint=f"compare on the terminal: lightship diff {asked.against} {asked.image}",
        )
    surroundings = machine(output)
    found = _inspect(asked, asked.image, surroundings, output)
    if asked.html is not None:
        against = _inspect(asked, asked.against, surroundings, output) if asked.against else None
        _write_page(asked.html, found, against)
    if output.as_json:
        show_json(found)
    elif asked.html is not None:
        click.echo(f"wrote {asked.html}")
    else:
        from lightship.cli.inspection import show_inspection

        show_inspection(found, whole=asked.whole)


def _inspect(asked: _Asked, image: str, surroundings: Machine, output: Output) -> Inspection:
    from lightship.inspect.report.inspection import inspect_image

    target = asked.target if Path(image).is_dir() or image == asked.image else PRODUCTION
    place = (image, asked.variant, target, parse_option(asked.platform))
    stored = stored_image(*place, engine=asked.engine, surroundings=surroundings, output=output)
    with stored as (name, found):
        return inspect_image(
            name,
            found,
            cache=surroundings.home.cache,
            reporter=surroundings.reporter,
            asked=_requirements(image, asked.variant, surroundings),
            full=asked.full,
        )


def _requirements(image: str, variant: str, surroundings: Machine) -> dict[str, Asked]:
    """Read what a project asks for, where the image is named by the project's folder."""
    if not Path(image).is_dir() or surroundings.platform is None:
        return {}
    from lightship.inspect.report.asked import asked_for
    from lightship.project.detect import read_project

    return asked_for(read_project(Path(image)), variant, surroundings.platform)


def _write_page(path: Path, found: Inspection, against: Inspection | None) -> None:
    from lightship.fs.atomic import write_bytes
    from lightship.inspect.report.page import render_page

    write_bytes(path, render_page(found, against).encode())
