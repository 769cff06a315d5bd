"""The documents of a built image: configuration and manifest, from a plan and its layers' records."""

from __future__ import annotations

import msgspec

from lightship.build.sharing import Hit
from lightship.digest import Digest
from lightship.oci.layout import Layout
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_MANIFEST,
    Descriptor,
    History,
    ImageConfig,
    Manifest,
    PlatformField,
    RootFs,
    encode,
)
from lightship.oci.record import LayerRecord
from lightship.plan.model import Plan


class BuiltLayer(msgspec.Struct, frozen=True):
    """A layer of a built image; `made` tells whether this build had to make it.

    `key` is the digest of what it is made from, `hit` is there where it is another's: then its blob may be in
    a registry alone.
    """

    title: str
    record: LayerRecord
    made: bool
    key: Digest
    hit: Hit | None = None


class Built(msgspec.Struct, frozen=True):
    """A built image: its manifest's descriptor, its layers, and its sizes in bytes.

    `trimmed` is what the packages' layers leave out, where a layer cache says so. Of the layers, those with a
    key in `group` come from packages.
    """

    descriptor: Descriptor
    layers: tuple[BuiltLayer, ...]
    notes: tuple[str, ...] = ()
    trimmed: int | None = None
    group: tuple[Digest, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The layers that others have made."""
        return tuple(layer.hit for layer in self.layers if layer.hit)

    @property
    def unpacked(self) -> int:
        return sum(layer.record.unpacked for layer in self.layers)

    @property
    def compressed(self) -> int:
        return sum(layer.record.descriptor.size for layer in self.layers)

    @property
    def added(self) -> int:
        """Bytes of compressed layers that this build made."""
        return sum(layer.record.descriptor.size for layer in self.layers if layer.made)


def image_config(plan: Plan, layers: tuple[BuiltLayer, ...], created: str) -> ImageConfig:
    """Describe an image; `created` (RFC 3339) stands for every layer too."""
    history = (History(created, f"lightship: {layer.title}") for layer in layers)
    return ImageConfig(
        architecture=plan.platform.architecture,
        os=plan.platform.os,
        rootfs=RootFs(tuple(layer.record.diff_id for layer in layers)),
        created=created,
        config=plan.execution,
        history=tuple(history),
    )


def write_image(layout: Layout, plan: Plan, layers: tuple[BuiltLayer, ...], created: str) -> Descriptor:
    """Store configuration and manifest, and give the manifest's descriptor."""
    config = image_config(plan, layers, created)
    manifest = Manifest(
        schema_version=2,
        media_type=MEDIA_MANIFEST,
        config=layout.write(MEDIA_CONFIG, encode(config)),
        layers=tuple(layer.record.descriptor for layer in layers),
    )
    stored = layout.write(MEDIA_MANIFEST, encode(manifest))
    platform = PlatformField(config.architecture, config.os)
    return msgspec.structs.replace(stored, platform=platform)
