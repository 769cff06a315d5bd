"""The layers of an image, unpacked and read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lightship.build.layerstore import StoredLayer
from lightship.build.rootfs import layer_store
from lightship.events import Reporter
from lightship.inspect.scan import LayerScan, scan_layers
from lightship.oci.model import Layer


class ReadLayers(NamedTuple):
    """Layers, lowest first, and the scan of each."""

    layers: list[StoredLayer]
    scans: list[LayerScan]


def read_layers(layers: Sequence[Layer], *, cache: Path, reporter: Reporter) -> ReadLayers:
    """Unpack and scan what the cache does not have yet.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the disk is full or the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    stored = layer_store(cache).get_all(layers, reporter)
    return ReadLayers(stored, scan_layers(stored, cache=cache))
