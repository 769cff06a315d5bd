"""The layers of an image, read: from what is remembered, from where they are unpacked, or from their blobs.

A layer whose facts are not known is read once, from its beginning to its end. It is unpacked on the way where
somebody will run it, or read its files; for checks alone it is not, since making files takes as long
again as reading them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from lightship.build.layerstore import LayerStore, StoredLayer, StoredMember, read_members
from lightship.build.rootfs import layer_store
from lightship.digest import CHUNK, Digest
from lightship.events import Reporter, Task
from lightship.fs.atomic import storage_error
from lightship.fs.entries import Kind
from lightship.inspect.facts import LayerFacts, load_facts, save_facts
from lightship.inspect.scan import LayerScan
from lightship.inspect.watch import FactWatcher
from lightship.oci.model import Layer

_WORKERS = 4


class ReadLayers(NamedTuple):
    """Layers, lowest first, and the scan of each."""

    layers: list[StoredLayer]
    scans: list[LayerScan]


class KnownLayer(NamedTuple):
    """A layer, which may be unpacked or not, and its facts."""

    layer: StoredLayer
    facts: LayerFacts


def read_layers(layers: Sequence[Layer], *, cache: Path, reporter: Reporter) -> ReadLayers:
    """Unpack and scan what the cache does not have yet.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the disk is full or the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    known = know_layers(layers, cache=cache, reporter=reporter, unpack=True)
    return ReadLayers([each.layer for each in known], [each.facts.scan for each in known])


def know_layers(
    layers: Sequence[Layer], *, cache: Path, reporter: Reporter, unpack: bool = False
) -> list[KnownLayer]:
    """Read the layers that the cache does not know yet; with `unpack`, see that they are unpacked, too.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the disk is full or the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    reading = _Reading(layer_store(cache), cache)
    wanted = {layer.diff_id: layer for layer in layers}
    if unpack:
        reading.store.get_all(wanted.values(), reporter, watch=lambda _layer: reading.watcher())
    reading.look_up(wanted)
    missing = [layer for layer in wanted.values() if layer.diff_id not in reading.facts]
    if missing:
        missing.sort(key=lambda layer: -layer.descriptor.size)  # the longest first, that all end together
        total = sum(layer.descriptor.size for layer in missing)
        with reporter.task("reading", total) as task, ThreadPoolExecutor(_WORKERS) as pool:
            for _ in pool.map(partial(reading.read, task), missing):
                pass
    return [reading.known(layer.diff_id) for layer in layers]


def scan_layers(layers: Iterable[StoredLayer], *, cache: Path) -> list[LayerScan]:
    """Give the scans of layers that are unpacked.

    Raises:
        StageError: the cache cannot be written.

    """
    reading = _Reading(layer_store(cache), cache)
    layers = list(layers)
    reading.look_up(layer.diff_id for layer in layers)
    missing = [layer for layer in layers if layer.diff_id not in reading.facts]
    with ThreadPoolExecutor(_WORKERS) as pool:
        for _ in pool.map(reading.read_unpacked, missing):
            pass
    return [reading.facts[layer.diff_id].scan for layer in layers]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known so far, by diff ID."""

    store: LayerStore
    cache: Path
    facts: dict[Digest, LayerFacts] = field(default_factory=dict)

    def look_up(self, diff_ids: Iterable[Digest]) -> None:
        for diff_id in diff_ids:
            if diff_id not in self.facts and (found := load_facts(diff_id, cache=self.cache)) is not None:
                self.facts[diff_id] = found

    def known(self, diff_id: Digest) -> KnownLayer:
        facts = self.facts[diff_id]
        return KnownLayer(
            StoredLayer(self.store.place(diff_id), diff_id, facts.unpacked, facts.members), facts
        )

    def watcher(self) -> FactWatcher:
        return FactWatcher(self.cache, self._note)

    def read(self, task: Task, layer: Layer) -> None:
        if self.store.has(layer.diff_id):
            self.read_unpacked(self.store.load(layer.diff_id))
            task.advance(layer.descriptor.size)
            return
        watcher = self.watcher()

        def take(member: StoredMember, chunks: Iterable[bytes]) -> None:
            for _ in watcher.see(member, chunks):
                pass

        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            unpacked, members = read_members(layer, task, take)
        except OSError as error:
            raise storage_error(error, self.cache) from error
        watcher.end(StoredLayer(self.store.place(layer.diff_id), layer.diff_id, unpacked, members))

    def read_unpacked(self, layer: StoredLayer) -> None:
        watcher = self.watcher()
        try:
            for member in layer.members:
                if member.kind is Kind.FILE:
                    for _ in watcher.see(_with_time(layer, member), _chunks(layer.file(member))):
                        pass
        except OSError as error:
            raise storage_error(error, layer.folder) from error
        watcher.end(layer)

    def _note(self, layer: StoredLayer, facts: LayerFacts) -> None:
        save_facts(layer.diff_id, facts, cache=self.cache)
        self.facts[layer.diff_id] = facts


def _with_time(layer: StoredLayer, member: StoredMember) -> StoredMember:
    if member.mtime is not None:
        return member
    return msgspec.structs.replace(member, mtime=int(layer.file(member).stat().st_mtime))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
