"""`lightship images`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from lightship.cli.options import Output, common, machine
from lightship.cli.terminal import show_json, size, table
from lightship.oci.index import LayoutIndex, Stored, open_stored
from lightship.oci.layout import LayoutImage


@click.command()
@common
def command(*, output: Output) -> None:
    """List the images in the local store; an index is listed with its images below it."""
    layout = machine(output, claim=False).home.images
    layout.create()
    stored = {name: open_stored(layout, descriptor) for name, descriptor in sorted(layout.names().items())}
    if output.as_json:
        show_json([facts for name, each in stored.items() for facts in _facts(name, each)])
        return
    rows = [row for name, each in stored.items() for row in _rows(name, each)]
    if not rows:
        click.echo("no images yet: `lightship build` makes one")
        return
    click.echo(table(("image", "platform", "compressed", "layers", "digest"), rows, right=(2, 3)))


def _facts(name: str, stored: Stored) -> Iterator[dict[str, object]]:
    """Yield what is known of each image; `index` is the digest of the index that the name stands for."""
    for image in _images(stored):
        yield {
            "name": name,
            "platform": str(image.config.platform),
            "digest": image.descriptor.digest,
            "compressed": _compressed([image]),
            "layers": len(image.layers),
            "index": stored.descriptor.digest if isinstance(stored, LayoutIndex) else None,
        }


def _rows(name: str, stored: Stored) -> Iterator[tuple[str, ...]]:
    images = _images(stored)
    if isinstance(stored, LayoutIndex):
        yield _row(name, "index", images, stored)
        name = ""
    for image in images:
        yield _row(name, str(image.config.platform), [image], image)


def _row(name: str, platform: str, images: list[LayoutImage], named: Stored) -> tuple[str, ...]:
    layers = len(_layers(images))
    return (name, platform, size(_compressed(images)), str(layers), named.descriptor.digest[:19])


def _images(stored: Stored) -> list[LayoutImage]:
    if isinstance(stored, LayoutImage):
        return [stored]
    return [stored.layout.image(offer.descriptor) for offer in stored.offers]


def _compressed(images: list[LayoutImage]) -> int:
    """Add up the bytes of layers; one that several images share counts once."""
    return sum(_layers(images).values())


def _layers(images: list[LayoutImage]) -> dict[str, int]:
    return {layer.digest: layer.size for image in images for layer in image.manifest.layers}
