"""`lightship push`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from lightship.cli.attest import attest_options, read_options, said
from lightship.cli.options import Output, common, given_credential, login, machine, registries, target_option
from lightship.cli.terminal import show_json, size
from lightship.errors import UsageError
from lightship.reference import parse_reference

if TYPE_CHECKING:
    from lightship.registry.push import Pushed


class _Options(Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    image: str
    ref: str
    variant: str
    target: str
    attest: tuple[str, ...]
    sign: bool
    key: str
    username: str
    password_stdin: bool


@click.command()
@click.argument("image")
@click.argument("ref", default="")
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@attest_options
@login
@common
def command(*, output: Output, **given: Any) -> None:
    """Put an image into a registry, sending only what is missing there.

    IMAGE is a name in the local store, a project's folder, or oci:DIR; an index goes whole. REF is where to:
    its own name, where that names a registry.
    """
    from lightship.build.absent import bring, places_of
    from lightship.build.remote import push
    from lightship.build.store import find_stored

    options, surroundings = _Options(**given), machine(output)
    credential = given_credential(options.username, password_stdin=options.password_stdin)
    name, found = find_stored(options.image, options.variant, surroundings, options.target)
    destination = str(parse_reference(options.ref or _own(name)))
    attesting = read_options(
        options.attest,
        _configured(options.image),
        sign=options.sign,
        key=options.key,
        machine=surroundings,
        output=output,
    )
    wire = registries(surroundings, credential)()
    places = places_of(found.descriptor)
    if attesting.reads_layers:
        bring(found, places, replace(surroundings, registries=lambda: wire))
    pushed = push(found, destination, surroundings, wire, places)
    beside = attesting.push(found, destination, surroundings, wire)
    if output.as_json:
        show_json({**facts(destination, pushed), **beside})
    else:
        click.echo("\n".join(filter(None, (summary(destination, pushed), said(beside)))))


def _configured(image: str) -> tuple[str, ...] | None:
    """Read what a project wants with its image."""
    from pathlib import Path

    from lightship.project.detect import read_project

    return read_project(Path(image)).config.attest if Path(image).is_dir() else None


def facts(name: str, pushed: Pushed) -> dict[str, Any]:
    """Say as JSON what a push came to, in bytes of blobs."""
    return {
        "name": name,
        "digest": pushed.descriptor.digest,
        "sent": pushed.sent,
        "mounted": pushed.mounted,
        "there": pushed.there,
    }


def summary(name: str, pushed: Pushed) -> str:
    """Say in two lines what a push came to."""
    counts = {
        "sent": pushed.sent,
        "mounted from other repositories": pushed.mounted,
        "there already": pushed.there,
    }
    parts = ", ".join(f"{size(count)} {what}" for what, count in counts.items() if count)
    return f"{click.style(name, bold=True)}  {pushed.descriptor.digest}\n  {parts}"


def _own(name: str) -> str:
    if parse_reference(name).registry:
        return name
    raise UsageError(
        f"{name!r} names no registry",
        hint=f"say where to: `lightship push {name} registry.example.com/{name}`",
    )
