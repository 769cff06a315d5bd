"""`lightship sbom`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.cli.basis import full_option, said_of
from lightship.cli.engines import engine_option, stored_image
from lightship.cli.options import Output, common, machine, target_option
from lightship.cli.platforms import parse_option, platform_option
from lightship.cli.terminal import show_json

if TYPE_CHECKING:
    from lightship.attest.asking import Bill
    from lightship.oci.model import Image


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
@full_option
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
    full: bool,
    output: Output,
) -> None:
    """Write an image's bill of materials: its packages, their licences, and what needs what.

    IMAGE is a name in the local store, or an engine's, a project's folder, oci:DIR, or a reference of a
    registry. The same image gives the same document. Of a registry's image whose layers are not known here,
    the document is taken that is attached to it, or else written from a scan of its layers
    (`push --attest scan`), or from eStargz layers' tables of contents. With --json, prints what it found in
    few words, and the document only to a file.
    """
    from lightship.attest.asking import ask_bill
    from lightship.build.origins import known_origin

    surroundings = machine(output)
    home, place = surroundings.home, (image, variant, target, parse_option(platform))
    stored = stored_image(*place, engine=engine, surroundings=surroundings, output=output)
    with stored as (name, found):
        origin = known_origin(found.descriptor.digest, home)
        bill = ask_bill(found, form, origin, cache=home.cache, reporter=surroundings.reporter, full=full)
    if file is not None:
        _write(file, bill.document)
    if output.as_json:
        show_json(_facts(name, found, bill, form, file))
    elif file is None:
        click.echo(bill.document, nl=False)
        if basis := said_of(bill.basis, "taken"):
            click.echo(basis, err=True)
    else:
        click.echo(_summary(name, found, bill, file))


def _write(file: Path, document: bytes) -> None:
    from lightship.errors import UsageError
    from lightship.fs.atomic import write_bytes

    if file.is_dir():
        raise UsageError("this is a folder, not a file", where=str(file), hint="name the document's file")
    write_bytes(file, document)


def _facts(name: str, image: Image, bill: Bill, form: str, file: Path | None) -> dict[str, Any]:
    return {
        "name": name,
        "digest": image.descriptor.digest,
        "platform": str(image.config.platform),
        "system": bill.summary.system,
        "packages": bill.summary.packages,
        "archives": bill.summary.archives,
        "unlicensed": bill.summary.unlicensed,
        "basis": bill.basis,
        "format": form,
        "file": str(file) if file else None,
    }


def _summary(name: str, image: Image, bill: Bill, file: Path) -> str:
    words = {"pypi": "Python distributions", "deb": "Debian packages"}
    counts = [f"{count} {words.get(kind, kind)}" for kind, count in bill.summary.packages.items()]
    unknown = len(bill.summary.unlicensed)
    told = f"; of {unknown} no licence is known" if unknown else ""
    title = click.style(name, bold=True)
    basis = said_of(bill.basis, "taken")
    return (
        f"{title}  {image.config.platform}  {image.descriptor.digest}\n  {file}: {', '.join(counts)}{told}"
        + (f"\n  {basis}" if basis else "")
    )
