"""`lightship images`."""

from __future__ import annotations

import click

from lightship.cli.options import Output, common, machine
from lightship.cli.terminal import show_json, size, table
from lightship.oci.layout import LayoutImage


@click.command()
@common
def command(*, output: Output) -> None:
    """List the images in the local store."""
    layout = machine(output, claim=False).home.images
    layout.create()
    images = {name: layout.image(descriptor) for name, descriptor in sorted(layout.names().items())}
    if output.as_json:
        show_json([_facts(name, image) for name, image in images.items()])
        return
    rows = [
        (name, str(image.config.platform), size(_compressed(image)), str(len(image.layers)), _short(image))
        for name, image in images.items()
    ]
    if not rows:
        click.echo("no images yet: `lightship build` makes one")
        return
    click.echo(table(("image", "platform", "compressed", "layers", "digest"), rows, right=(2, 3)))


def _facts(name: str, image: LayoutImage) -> dict[str, object]:
    return {
        "name": name,
        "platform": str(image.config.platform),
        "digest": image.descriptor.digest,
        "compressed": _compressed(image),
        "layers": len(image.layers),
    }


def _compressed(image: LayoutImage) -> int:
    return sum(layer.size for layer in image.manifest.layers)


def _short(image: LayoutImage) -> str:
    return image.descriptor.digest[:19]
