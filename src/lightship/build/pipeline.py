"""Carry a plan out: find or make every layer, then write configuration and manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.steps import Inputs, layer_entries
from lightship.debs.model import LockedDeb
from lightship.events import Reporter
from lightship.fs.atomic import writing
from lightship.oci.blob import Compression, LayerRecord, write_layer
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
from lightship.plan.model import LayerPlan, Plan, layer_key
from lightship.wheels.model import LockedWheel

Fetch = Callable[[tuple[LockedWheel, ...], tuple[LockedDeb, ...]], Mapping[str, Path]]
"""Bring archives to this machine: their paths, by SHA-256."""


class BuiltLayer(msgspec.Struct, frozen=True):
    """A layer of a built image; `made` tells whether this build had to make it."""

    title: str
    record: LayerRecord
    made: bool


class Built(msgspec.Struct, frozen=True):
    """A built image: its manifest's descriptor, its layers, and its sizes in bytes."""

    descriptor: Descriptor
    layers: tuple[BuiltLayer, ...]
    notes: tuple[str, ...] = ()

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


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes images in a home. `created` is RFC 3339 text, `fetch` is asked for missing layers' archives."""

    home: Home
    fetch: Fetch
    reporter: Reporter
    created: str
    compression: Compression = Compression.GZIP

    def build(self, plan: Plan, folder: Path) -> Built:
        """Build a plan whose project lies in `folder`.

        Raises:
            LightshipError: if an archive cannot be had, is damaged, or the disk is full. Layers that were
                finished stay, and are used by the next build.

        """
        layout = self.home.images
        layout.create()
        known = {key: self._find(layout, key) for key in self._keys(plan)}
        missing = [layer for layer in plan.layers if known[self._key(layer)] is None]
        made = self._make(layout, missing, folder)
        layers = tuple(
            BuiltLayer(layer.title, known[self._key(layer)] or made[self._key(layer)], self._key(layer) in made)
            for layer in plan.layers
        )
        return Built(self._write_image(layout, plan, layers), layers, plan.notes)

    def _key(self, layer: LayerPlan) -> str:
        return layer_key(layer, self.compression)
