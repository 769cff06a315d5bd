"""`lightship pull`."""

from __future__ import annotations

import click

from lightship.cli.options import Output, common, given_credential, login, machine, registries
from lightship.cli.terminal import show_json, size
from lightship.reference import parse_reference


@click.command()
@click.argument("ref")
@click.option("--platform", default="", help="Such as linux/arm64; this machine's by default.")
@login
@common
def command(*, ref: str, platform: str, username: str, password_stdin: bool, output: Output) -> None:
    """Fetch an image from a registry to the local store, under the name REF.

    A short name is Docker Hub's, as in `docker pull`.
    """
    from lightship.build.remote import pull
    from lightship.build.store import REGISTRY
    from lightship.platform import parse_platform

    surroundings = machine(output)
    credential = given_credential(username, password_stdin=password_stdin)
    name = str(parse_reference(ref.removeprefix(REGISTRY)))
    wanted = parse_platform(platform) if platform else None
    pulled = pull(name, surroundings, registries(surroundings, credential)(), wanted=wanted)
    image = surroundings.home.images.image(pulled.descriptor)
    if output.as_json:
        show_json(
            {
                "name": name,
                "digest": pulled.descriptor.digest,
                "source": pulled.source.digest,
                "platform": str(image.config.platform),
                "received": pulled.received,
                "there": pulled.there,
            }
        )
        return
    click.echo(f"{click.style(name, bold=True)}  {image.config.platform}  {pulled.descriptor.digest}")
    there = f", {size(pulled.there)} there already" if pulled.there else ""
    click.echo(f"  {size(pulled.received)} received{there}, {len(image.manifest.layers)} layers")
    if pulled.source.digest != pulled.descriptor.digest:
        click.echo(f"  note: the registry has it as {pulled.source.digest}, in Docker's older format")
