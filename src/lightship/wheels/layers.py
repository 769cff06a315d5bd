"""Layers in a lock: what is made from its packages, by the digest of what each is made from.

The table is no part of what a lock's own digest is of: it says nothing that the packages do not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lightship.digest import Digest, parse_digest
from lightship.oci.model import Descriptor
from lightship.oci.record import LayerRecord
from lightship.platform import Platform
from lightship.wheels import toml

TABLE = "[tool.lightship.layers]"


class LockedLayer(
    msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True, omit_defaults=True
):
    """A layer as it must be; `key` is the digest of what it is made from, sizes are in bytes."""

    title: str
    key: str
    media_type: str
    digest: str
    size: int
    diff_id: str
    unpacked: int
    annotations: dict[str, str] = {}

    def record(self) -> LayerRecord:
        """Give what a build knows of a layer.

        Raises:
            IntegrityError: if a digest is none.

        """
        blob = Descriptor(self.media_type, parse_digest(self.digest), self.size, self.annotations)
        return LayerRecord(blob, parse_digest(self.diff_id), self.unpacked)


def locked_layer(title: str, key: Digest, record: LayerRecord) -> LockedLayer:
    blob = record.descriptor
    return LockedLayer(
        title,
        key,
        blob.media_type,
        blob.digest,
        blob.size,
        record.diff_id,
        record.unpacked,
        dict(sorted(blob.annotations.items())),
    )


def render_layers(layers: Mapping[Platform, Sequence[LockedLayer]]) -> list[str]:
    """Write the table, one layer to a line, in the order of images; nothing where there are no layers."""
    written = {key.debian: msgspec.to_builtins(rows) for key, rows in sorted(layers.items()) if rows}
    return [toml.table(TABLE.strip("[]"), written)] if written else []


def with_layers(lock_text: str, layers: Mapping[Platform, Sequence[LockedLayer]]) -> str:
    """Replace the table in a lock's text; whatever else is there stays, to the byte."""
    kept = [block for block in lock_text.rstrip("\n").split("\n\n") if not block.startswith(TABLE)]
    return "\n".join([*(f"{block}\n" for block in kept), *render_layers(layers)])


def records(layers: Mapping[Platform, Iterable[LockedLayer]]) -> dict[Digest, LayerRecord]:
    """Give all layers by their keys.

    Raises:
        IntegrityError: if a digest is none.

    """
    return {parse_digest(row.key): row.record() for rows in layers.values() for row in rows}
