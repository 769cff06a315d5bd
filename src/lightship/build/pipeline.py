"""Carry a plan out: find every layer or make it, then write the image's documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.image import Built, BuiltLayer, write_image
from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.events import Reporter, Task
from lightship.fs.atomic import writing_unnamed
from lightship.oci.record import Compression, LayerRecord
from lightship.plan.model import BaseLayer, LayerPlan, Plan, WheelsLayer, layer_key
from lightship.wheels.model import LockedWheel

if TYPE_CHECKING:
    from lightship.build.steps import Inputs

Fetch = Callable[[tuple[LockedWheel, ...], tuple[LockedDeb, ...]], Mapping[str, Path]]
"""Bring archives to this machine: their paths, by SHA-256."""


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes images in a home. `created` is RFC 3339 text, `fetch` is asked for missing layers' archives.

    `outputs` has the roots that layers of stages take from.
    """

    home: Home
    fetch: Fetch
    reporter: Reporter
    created: str
    compression: Compression = Compression.GZIP
    outputs: Mapping[Digest, Path] = field(default_factory=dict)
    workers: int = os.cpu_count() or 2

    def build(self, plan: Plan, folder: Path) -> Built:
        """Build a plan whose project lies in `folder`.

        Raises:
            LightshipError: if an archive cannot be had, is damaged, or the disk is full. Layers that were
                finished stay, and are used by the next build.

        """
        self.home.images.create()
        keys = [layer_key(layer, self.compression) for layer in plan.layers]
        records = {key: record for key in keys if (record := self._find(key))}
        missing = {key: layer for key, layer in zip(keys, plan.layers, strict=True) if key not in records}
        if missing:
            records |= self._make_all(missing, folder)
        layers = tuple(
            BuiltLayer(layer.title, records[key], key in missing)
            for key, layer in zip(keys, plan.layers, strict=True)
        )
        return Built(write_image(self.home.images, plan, layers, self.created), layers, plan.notes)

    def known(self, plan: Plan) -> tuple[LayerRecord | None, ...]:
        """Tell of every layer of a plan what was made before."""
        return tuple(self._find(layer_key(layer, self.compression)) for layer in plan.layers)

    def _find(self, key: Digest) -> LayerRecord | None:
        record = self._records.get(key, LayerRecord)
        if record and self.home.images.has(record.descriptor.digest, record.descriptor.size):
            return record
        return None

    def _make_all(self, missing: Mapping[Digest, LayerPlan], folder: Path) -> dict[Digest, LayerRecord]:
        from concurrent.futures import ThreadPoolExecutor

        from lightship.build.steps import Inputs

        inputs = Inputs(self._fetch_for(missing.values()), folder, self.outputs)
        order = sorted(missing.items(), key=lambda item: -item[1].download)  # the longest first: it ends last
        label = f"making {len(order)} layer{'s'[: len(order) > 1]}"
        with (
            self.reporter.task(label, sum(layer.download for _, layer in order)) as task,
            ThreadPoolExecutor(self.workers) as pool,
        ):
            futures = {key: pool.submit(self._make, key, layer, inputs, task) for key, layer in order}
            try:
                return {key: future.result() for key, future in futures.items()}
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _fetch_for(self, layers: Iterable[LayerPlan]) -> Mapping[str, Path]:
        wheels: list[LockedWheel] = []
        debs: list[LockedDeb] = []
        for layer in layers:
            if isinstance(layer, WheelsLayer):
                wheels += layer.wheels
            elif isinstance(layer, BaseLayer):
                debs += layer.packages
        return self.fetch(tuple(wheels), tuple(debs))

    def _make(self, key: Digest, layer: LayerPlan, inputs: Inputs, task: Task) -> LayerRecord:
        from lightship.build.steps import layer_entries
        from lightship.oci.blob import write_layer

        layout = self.home.images
        with (
            layer_entries(layer, inputs) as entries,
            writing_unnamed(layout.blobs) as unnamed,
        ):
            record = write_layer(entries, unnamed.stream, self.compression)
            unnamed.name(layout.blob_path(record.descriptor.digest))
        self._records.put(key, record)
        task.advance(layer.download)
        return record

    @property
    def _records(self) -> Memo:
        return Memo(self.home.cache / "layers")
