"""The layers of an image, unpacked and read: many bytes of them by several processes at once.

Half of the work is Python's own, which threads do one at a time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lightship.build.layerstore import LayerStore, StoredLayer
from lightship.build.rootfs import layer_store
from lightship.events import Reporter, SilentReporter
from lightship.inspect.scan import LayerScan, scan_layers
from lightship.oci.layout import LayoutLayer
from lightship.oci.model import Layer

LARGE = 48_000_000
"""Bytes of blobs from which it pays to start processes: a third of a second each."""
_MOST = 8


class ReadLayers(NamedTuple):
    """Layers, lowest first, and the scan of each."""

    layers: list[StoredLayer]
    scans: list[LayerScan]


def read_layers(
    layers: Sequence[Layer], *, cache: Path, reporter: Reporter, large: int = LARGE
) -> ReadLayers:
    """Unpack and scan what the cache does not have yet; from `large` bytes of blobs on with processes.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the disk is full or the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    store = layer_store(cache)
    missing = store.missing(layers)
    # Only what lies in files can be handed to another process; what comes over a connection cannot.
    local = [layer for layer in missing if isinstance(layer, LayoutLayer)]
    workers = min(len(os.sched_getaffinity(0)), len(local), _MOST)
    if workers > 1 and sum(layer.descriptor.size for layer in local) >= large:
        _read_side_by_side(local, store, cache, workers, reporter)
    stored = store.get_all(layers, reporter)
    return ReadLayers(stored, scan_layers(stored, cache=cache))


def _read_side_by_side(
    layers: Sequence[LayoutLayer], store: LayerStore, cache: Path, workers: int, reporter: Reporter
) -> None:
    """Begin with the largest, so that all end at about the same time."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    # Not forked: threads of the parent may hold locks.
    context = multiprocessing.get_context("spawn")
    ordered = sorted(layers, key=lambda layer: -layer.descriptor.size)
    total = sum(layer.descriptor.size for layer in ordered)
    with (
        reporter.task("unpacking", total) as task,
        ProcessPoolExecutor(workers, context, initializer=_leave_signals) as pool,
    ):
        futures = {pool.submit(_read, layer, store, cache): layer for layer in ordered}
        try:
            for future in as_completed(futures):
                future.result()
                task.advance(futures[future].descriptor.size)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_signals() -> None:
    """Let the parent alone answer Ctrl-C, which the terminal sends to all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read(layer: LayoutLayer, store: LayerStore, cache: Path) -> None:
    scan_layers(store.get_all([layer], SilentReporter()), cache=cache)
