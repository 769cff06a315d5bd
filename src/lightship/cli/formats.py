"""How layers are written, as options say it."""

from __future__ import annotations

import click

from lightship.errors import UsageError
from lightship.oci.record import Compression

ESTARGZ = "estargz"

format_option = click.option(
    "--format",
    type=click.Choice(["plain", ESTARGZ]),
    default="plain",
    show_default=True,
    help="estargz: layers that containers start from before they are pulled.",
)


def choose(compression: str, layer_format: str, *, single_member: bool) -> Compression:
    """Choose how layers are written.

    Raises:
        UsageError: if the options contradict each other.

    """
    if single_member and compression == "zstd":
        raise UsageError("--single-member is about gzip", hint="leave it out with --compression zstd")
    if layer_format == ESTARGZ:
        return _estargz(compression, single_member=single_member)
    if compression == "zstd":
        return Compression.ZSTD
    return Compression.GZIP_SINGLE if single_member else Compression.GZIP


def _estargz(compression: str, *, single_member: bool) -> Compression:
    """Insist on gzip of many members, which the format is."""
    if compression == "zstd":
        raise UsageError("--format estargz is gzip", hint="leave out --compression zstd")
    if single_member:
        raise UsageError(
            "--format estargz is gzip of a member for each file", hint="leave out --single-member"
        )
    return Compression.ESTARGZ
