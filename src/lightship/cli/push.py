"""`lightship push`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lightship.cli.options import Output, common, given_credential, login, machine, registries, target_option
from lightship.cli.terminal import show_json, size
from lightship.errors import UsageError
from lightship.reference import parse_reference

if TYPE_CHECKING:
    from lightship.registry.push import Pushed


@click.command()
@click.argument("image")
@click.argument("ref", default="")
@click.option("--variant", default="", help="The variant, where IMAGE is a project's folder.")
@target_option
@login
@common
def command(
    *,
    image: str,
    ref: str,
    variant: str,
    target: str,
    username: str,
    password_stdin: bool,
    output: Output,
) -> None:
    """Put an image into a registry, sending only what is missing there.

    IMAGE is a name in the local store, a project's folder, or oci:DIR; an index goes whole. REF is where to:
    its own name, where that names a registry.
    """
    from lightship.build.absent import places_of
    from lightship.build.remote import push
    from lightship.build.store import find_stored

    surroundings = machine(output)
    credential = given_credential(username, password_stdin=password_stdin)
    name, found = find_stored(image, variant, surroundings, target)
    destination = str(parse_reference(ref or _own(name)))
    places = places_of(found.descriptor)
    pushed = push(found, destination, surroundings, registries(surroundings, credential)(), places)
    if output.as_json:
        show_json(facts(destination, pushed))
    else:
        click.echo(summary(destination, pushed))


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
