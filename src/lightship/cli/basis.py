"""What commands share about images that are not read from their layers: the option, and the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lightship.inspect.findings import Basis

full_option = click.option(
    "--full",
    is_flag=True,
    help="Read a registry's layers even where something else tells of them.",
)


def said_of(basis: Basis, done: str) -> str:
    """Say what was read instead of the layers, after the word for what was done; empty where nothing was."""
    from lightship.inspect.findings import READ_INSTEAD

    source = READ_INSTEAD.get(basis)
    return f"{done} from {source}; --full reads the layers" if source else ""
