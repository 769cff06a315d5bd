"""`lightship pull`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lightship.cli.options import Output, common, given_credential, login, machine, registries
from lightship.cli.terminal import show_json, size
from lightship.errors import UsageError
from lightship.reference import parse_reference

if TYPE_CHECKING:
    from lightship.build.machine import Machine
    from lightship.registry.pull import Pulled


@click.command()
@click.argument("ref")
@click.option("--platform", default="", help="Such as linux/arm64; this machine's by default.")
@click.option("--all-platforms", is_flag=True, help="Fetch an index whole, with all of its images.")
@login
@common
def command(
    *, ref: str, platform: str, all_platforms: bool, username: str, password_stdin: bool, output: Output
) -> None:
    """Fetch an image from a registry to the local store, under the name REF.

    A short name is Docker Hub's, as in `docker pull`.
    """
    from lightship.build.remote import pull, pull_all
    from lightship.build.store import REGISTRY
    from lightship.platform import parse_platform

    if platform and all_platforms:
        raise UsageError("--platform and --all-platforms exclude each other", hint="leave one of them out")
    surroundings = machine(output)
    credential = given_credential(username, password_stdin=password_stdin)
    name = str(parse_reference(ref.removeprefix(REGISTRY)))
    connect = registries(surroundings, credential)
    if all_platforms:
        pulled = pull_all(name, surroundings, connect())
    else:
        wanted = parse_platform(platform) if platform else None
        pulled = pull(name, surroundings, connect(), wanted=wanted)
    _say(name, pulled, surroundings, output)


def _say(name: str, pulled: Pulled, surroundings: Machine, output: Output) -> None:
    from lightship.oci.index import LayoutIndex, open_stored

    stored = open_stored(surroundings.home.images, pulled.descriptor)
    if isinstance(stored, LayoutIndex):
        images = [stored.layout.image(offer.descriptor) for offer in stored.offers]
        kind = f"index of {len(images)} platforms"
    else:
        images = [stored]
        kind = str(stored.config.platform)
    layers = len({layer.digest for image in images for layer in image.manifest.layers})
    if output.as_json:
        platforms = [str(image.config.platform) for image in images]
        show_json(
            {
                "name": name,
                "digest": pulled.descriptor.digest,
                "source": pulled.source.digest,
                **({"platforms": platforms} if isinstance(stored, LayoutIndex) else {"platform": kind}),
                "received": pulled.received,
                "there": pulled.there,
            }
        )
        return
    click.echo(f"{click.style(name, bold=True)}  {kind}  {pulled.descriptor.digest}")
    there = f", {size(pulled.there)} there already" if pulled.there else ""
    click.echo(f"  {size(pulled.received)} received{there}, {layers} layers")
    if pulled.source.digest != pulled.descriptor.digest:
        click.echo(f"  note: the registry has it as {pulled.source.digest}, in Docker's older format")
