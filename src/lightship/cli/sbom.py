"""`lightship sbom`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.cli.engines import engine_option, stored_image
from lightship.cli.options import Output, common, machine, target_option
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json

if TYPE_CHECKING:
    from lightship.attest.model import Inventory


@click.command()
@click.argument("image", default=".")
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@platform_option
@engine_option("Whose store has the image")
@click.option(
    "--format",
    "form",
    type=click.Choice(["cyclonedx", "spdx"]),
    default="cyclonedx",
    show_default=True,
    help="CycloneDX 1.6 or SPDX 2.3, both as JSON.",
)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    help="The file to write; standard output by default.",
)
@common
def command(
    *,
    image: str,
    variant: str,
    target: str,
    platform: str,
    engine: str,
    form: str,
    file: Path | None,
    output: Output,
) -> None:
    """Write an image's bill of materials: its packages, their licences, and what needs what.

    IMAGE is a name in the local store, or an engine's, a project's folder, oci:DIR, or a reference of a
    registry. The same image gives the same document. With --json, prints what it found in few words, and the
    document only to a file.
    """
    from lightship.attest.documents import write_sbom
    from lightship.attest.inventory import read_inventory
    from lightship.build.origins import known_origin

    surroundings = machine(output)
    home, place = surroundings.home, (image, variant, target, parse_option(platform))
    stored = stored_image(*place, engine=engine, surroundings=surroundings, output=output)
    with stored as (name, found):
        origin = known_origin(found.descriptor.digest, home)
        inventory = read_inventory(found, origin, cache=home.cache, reporter=surroundings.reporter)
    document = write_sbom(inventory, form)
    if file is not None:
        _write(file, document)
    if output.as_json:
        show_json(_facts(name, inventory, form, file))
    elif file is None:
        click.echo(document, nl=False)
    else:
        click.echo(_summary(name, inventory, file))


def _write(file: Path, document: bytes) -> None:
    from lightship.errors import UsageError
    from lightship.fs.atomic import write_bytes

    if file.is_dir():
        raise UsageError("this is a folder, not a file", where=str(file), hint="name the document's file")
    write_bytes(file, document)


def _facts(name: str, inventory: Inventory, form: str, file: Path | None) -> dict[str, Any]:
    return {
        "name": name,
        "digest": inventory.image,
        "platform": inventory.platform,
        "system": inventory.system.name if inventory.system else None,
        "packages": _counts(inventory),
        "archives": sum(bool(package.sha256) for package in inventory.packages),
        "unlicensed": [package.ref for package in inventory.packages if not package.licences],
        "format": form,
        "file": str(file) if file else None,
    }


def _counts(inventory: Inventory) -> dict[str, int]:
    kinds = [package.kind for package in inventory.packages]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _summary(name: str, inventory: Inventory, file: Path) -> str:
    words = {"pypi": "Python distributions", "deb": "Debian packages"}
    counts = [f"{count} {words[kind]}" for kind, count in _counts(inventory).items()]
    unknown = sum(not package.licences for package in inventory.packages)
    told = f"; of {unknown} no licence is known" if unknown else ""
    title = click.style(name, bold=True)
    return f"{title}  {inventory.platform}  {inventory.image}\n  {file}: {', '.join(counts)}{told}"
