"""Carry a plan out: find every layer or make it, then write the image's documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.image import Built, BuiltLayer, write_image
from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.events import Reporter, Task
from lightship.fs.atomic import writing, writing_unnamed
from lightship.oci.record import Compression, LayerRecord
from lightship.plan.model import (
    BaseLayer,
    BytecodeLayer,
    ImageLayer,
    LayerPlan,
    MadeLayer,
    Plan,
    ToolsLayer,
    WheelsLayer,
    layer_key,
)
from lightship.plan.startup import startup_paths
from lightship.project.start import Start
from lightship.wheels.model import LockedWheel

if TYPE_CHECKING:
    from lightship.build.bytecode import Compiler
    from lightship.build.steps import Inputs

Fetch = Callable[[tuple[LockedWheel, ...], tuple[LockedDeb, ...]], Mapping[str, Path]]
"""Bring archives to this machine: their paths, by SHA-256."""


OpenBlob = Callable[[ImageLayer], Iterator[bytes]]
"""Read a layer of the image that a plan builds on; its digest is checked when the end is reached."""


def no_image(layer: ImageLayer) -> Iterator[bytes]:
    """Have no layer, as where plans build on no image."""
    raise UsageError("there is no image to build on", where=layer.reference)


class _Order(NamedTuple):
    """A layer to be found or made, its key, and the paths of files that lead it."""

    key: Digest
    layer: LayerPlan
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes images in a home.

    `created` is RFC 3339 text, `fetch` is asked for missing layers' archives, `blob` for a base's layers;
    `outputs` has the roots that layers of stages take from. In eStargz the files that a recorded `start` read
    lead their layers.
    """

    home: Home
    fetch: Fetch
    reporter: Reporter
    created: str
    compression: Compression = Compression.GZIP
    outputs: Mapping[Digest, Path] = field(default_factory=dict)
    workers: int = os.cpu_count() or 2
    blob: OpenBlob = no_image
    start: Start | None = None

    def build(self, plan: Plan, folder: Path) -> Built:
        """Build a plan whose project lies in `folder`.

        Raises:
            LightshipError: if an archive cannot be had, is damaged, or the disk is full. Layers that were
                finished stay, and are used by the next build.

        """
        self.home.images.create()
        orders = self._orders(plan)
        keys = [order.key for order in orders]
        records = {key: record for key in keys if (record := self._find(key))}
        missing = {order.key: order for order in orders if order.key not in records}
        if missing:
            records |= self._make_all(tuple(missing.values()), plan, folder)
        layers = tuple(
            BuiltLayer(layer.title, records[key], key in missing)
            for key, layer in zip(keys, plan.layers, strict=True)
        )
        return Built(write_image(self.home.images, plan, layers, self.created), layers, plan.notes)

    def known(self, plan: Plan) -> tuple[LayerRecord | None, ...]:
        """Tell of every layer of a plan what was made before."""
        return tuple(
            order.layer.record if isinstance(order.layer, ImageLayer) else self._find(order.key)
            for order in self._orders(plan)
        )

    def _orders(self, plan: Plan) -> list[_Order]:
        lazy = self.compression is Compression.ESTARGZ
        firsts = startup_paths(plan, self.start) if lazy else [()] * len(plan.layers)
        return [
            _Order(layer_key(layer, self.compression, first), layer, first)
            for layer, first in zip(plan.layers, firsts, strict=True)
        ]

    def _find(self, key: Digest) -> LayerRecord | None:
        record = self._records.get(key, LayerRecord)
        if record and self.home.images.has(record.descriptor.digest, record.descriptor.size):
            return record
        return None

    def _make_all(self, missing: Collection[_Order], plan: Plan, folder: Path) -> dict[Digest, LayerRecord]:
        from concurrent.futures import ThreadPoolExecutor

        from lightship.build.steps import Inputs

        layers = [order.layer for order in missing]
        inputs = Inputs(self._fetch_for(layers), folder, self.outputs, self._compiler(layers, plan))
        longest = sorted(missing, key=lambda order: -_effort(order.layer))  # first, as it ends last
        label = f"making {len(layers)} layer{'s'[: len(layers) > 1]}"
        with (
            self.reporter.task(label, sum(layer.download for layer in layers)) as task,
            ThreadPoolExecutor(self.workers) as pool,
        ):
            futures = {order.key: pool.submit(self._make, order, inputs, task) for order in longest}
            try:
                return {key: future.result() for key, future in futures.items()}
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _compiler(self, layers: Iterable[LayerPlan], plan: Plan) -> Compiler | None:
        if not any(isinstance(layer, BytecodeLayer) for layer in layers):
            return None
        from lightship.build.pythons import find_compiler

        return find_compiler(plan, self.home, lambda debs: self.fetch((), tuple(debs)), self.reporter)

    def _fetch_for(self, layers: Iterable[LayerPlan]) -> Mapping[str, Path]:
        wheels: list[LockedWheel] = []
        debs: list[LockedDeb] = []
        for layer in layers:
            sources = layer.of if isinstance(layer, BytecodeLayer) else layer
            if isinstance(sources, WheelsLayer):
                wheels += sources.wheels
            elif isinstance(sources, BaseLayer):
                debs += sources.packages
            elif isinstance(sources, ToolsLayer):
                debs += (*sources.below, *sources.packages)
        return self.fetch(tuple(dict.fromkeys(wheels)), tuple(dict.fromkeys(debs)))

    def _make(self, order: _Order, inputs: Inputs, task: Task) -> LayerRecord:
        layer = order.layer
        record = (
            self._copy(layer) if isinstance(layer, ImageLayer) else self._write(layer, order.first, inputs)
        )
        self._records.put(order.key, record)
        task.advance(layer.download)
        return record

    def _copy(self, layer: ImageLayer) -> LayerRecord:
        """Take a layer over as it is, unless the store has it already."""
        layout, descriptor = self.home.images, layer.record.descriptor
        if not layout.has(descriptor.digest, descriptor.size):
            with writing(layout.blob_path(descriptor.digest)) as stream:
                stream.writelines(self.blob(layer))
        return layer.record

    def _write(self, layer: MadeLayer, first: tuple[str, ...], inputs: Inputs) -> LayerRecord:
        from lightship.build.steps import layer_entries
        from lightship.oci.blob import write_layer

        layout = self.home.images
        with (
            layer_entries(layer, inputs) as entries,
            writing_unnamed(layout.blobs) as unnamed,
        ):
            record = write_layer(entries, unnamed.stream, self.compression, first)
            unnamed.name(layout.blob_path(record.descriptor.digest))
        return record

    @property
    def _records(self) -> Memo:
        return Memo(self.home.cache / "layers")


_BYTES_PER_MODULE = 20_000
"""Of a wheel, turned into a layer in the time that a module takes to compile."""


def _effort(layer: LayerPlan) -> int:
    """Estimate what a layer costs to make, in bytes of archives."""
    if isinstance(layer, BytecodeLayer):
        modules = layer.of.download // _BYTES_PER_MODULE if layer.modules is None else len(layer.modules)
        return modules * _BYTES_PER_MODULE
    return layer.download
