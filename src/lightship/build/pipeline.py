"""Carry a plan out: find every layer or make it, then write the image's documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.image import Built, BuiltLayer, write_image
from lightship.build.sharing import Found, NoCaches, Pins, SharedLayers
from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.errors import IntegrityError, UsageError
from lightship.events import Reporter, Task
from lightship.fs.atomic import writing, writing_unnamed
from lightship.oci.record import Compression, LayerRecord
from lightship.plan.model import (
    BaseLayer,
    BytecodeLayer,
    FilesLayer,
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

    @property
    def of_packages(self) -> bool:
        """Whether a change of the project's own files leaves it as it is."""
        sources = self.layer.of if isinstance(self.layer, BytecodeLayer) else self.layer
        return not isinstance(sources, FilesLayer)


class _Known(NamedTuple):
    """Layers that need not be made: those of this machine, and those that others have."""

    here: dict[Digest, LayerRecord]
    found: Found

    @property
    def records(self) -> dict[Digest, LayerRecord]:
        return {**{key: hit.record for key, hit in self.found.layers.items()}, **self.here}


class Builder(Struct, frozen=True):
    """Makes images in a home.

    `created` is RFC 3339 text, `fetch` is asked for missing layers' archives, `blob` for a base's layers;
    `outputs` has the roots that layers of stages take from. In eStargz the files that a recorded `start` read
    lead their layers. What is not on this machine is looked for in `shared`; where `pins` know a layer, it
    must be that, wherever it is from.
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
    shared: SharedLayers = field(default_factory=NoCaches)
    pins: Pins = field(default_factory=dict)

    def build(self, plan: Plan, folder: Path) -> Built:
        """Build a plan whose project lies in `folder`.

        Raises:
            LightshipError: if an archive cannot be had, is damaged, or the disk is full. Layers that were
                finished stay, and are used by the next build.
            IntegrityError: also if a layer that was made is not the one that `pins` know.

        """
        self.home.images.create()
        orders = self._orders(plan)
        known = self._look_up(orders)
        records, shared = known.records, known.found
        missing = {order.key: order for order in orders if order.key not in records}
        if missing:
            records |= self._make_all(tuple(missing.values()), plan, folder)
            self._check(missing.values(), records)
        layers = tuple(
            BuiltLayer(layer.title, records[key], key in missing, key, shared.layers.get(key))
            for (key, layer, _) in orders
        )
        return Built(
            write_image(self.home.images, plan, layers, self.created),
            layers,
            (*plan.notes, *shared.notes),
            shared.trimmed,
            _group(orders),
        )

    def known(self, plan: Plan) -> tuple[LayerRecord | None, ...]:
        """Tell of every layer of a plan what was made before, here or elsewhere."""
        orders = self._orders(plan)
        records = self._look_up(orders).records
        return tuple(
            order.layer.record if isinstance(order.layer, ImageLayer) else records.get(order.key)
            for order in orders
        )

    def _look_up(self, orders: Sequence[_Order]) -> _Known:
        here = {order.key: record for order in orders if (record := self._find(order.key))}
        missing = [order.key for order in orders if order.key not in here]
        return _Known(here, self.shared.find(missing, _group(orders), self.pins) if missing else Found())

    def _check(self, made: Iterable[_Order], records: Mapping[Digest, LayerRecord]) -> None:
        for order in made:
            pinned, record = self.pins.get(order.key), records[order.key]
            if pinned not in (None, record):
                raise IntegrityError(
                    f"the layer that was made is {record.descriptor.digest}, not what the lock records",
                    where=order.layer.title,
                    hint="if this lock is to be trusted, tell the makers of Lightship; "
                    "`lightship lock --layers` records what is made here",
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
        if (
            record
            and self.pins.get(key, record) == record
            and self.home.images.has(record.descriptor.digest, record.descriptor.size)
        ):
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


def _group(orders: Iterable[_Order]) -> tuple[Digest, ...]:
    return tuple(order.key for order in orders if order.of_packages)


_BYTES_PER_MODULE = 20_000
"""Of a wheel, turned into a layer in the time that a module takes to compile."""


def _effort(layer: LayerPlan) -> int:
    """Estimate what a layer costs to make, in bytes of archives."""
    if isinstance(layer, BytecodeLayer):
        modules = layer.of.download // _BYTES_PER_MODULE if layer.modules is None else len(layer.modules)
        return modules * _BYTES_PER_MODULE
    return layer.download
