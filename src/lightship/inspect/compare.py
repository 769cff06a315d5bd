"""Sizes of images side by side, and what they share."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.digest import Digest, of_value
from lightship.events import Reporter, Task
from lightship.oci.layout import LayoutLayer
from lightship.oci.model import Image, Layer
from lightship.oci.unpack import LayerReader


class Comparison(msgspec.Struct, frozen=True):
    """One image: bytes of its layers, as tars and compressed.

    `unpacked` is None where an image is in a registry, and nobody has read it yet. `shared` are the
    compressed bytes of layers that the first of the compared images has, too.
    """

    name: str
    digest: str
    unpacked: int | None
    compressed: int
    layers: int
    shared: int


def compare_images(images: Iterable[tuple[str, Image]], home: Home, reporter: Reporter) -> list[Comparison]:
    """Measure images, in their order; a layer is read once, and its size remembered.

    Raises:
        IntegrityError: if a layer is damaged.

    """
    found: list[Comparison] = []
    first: dict[str, int] = {}
    for name, image in images:
        sizes: dict[str, int] = {layer.descriptor.digest: layer.descriptor.size for layer in image.layers}
        first = first or sizes
        found.append(
            Comparison(
                name=name,
                digest=image.descriptor.digest,
                unpacked=_unpacked(image.layers, home, reporter),
                compressed=sum(layer.descriptor.size for layer in image.layers),
                layers=len(image.layers),
                shared=sum(size for digest, size in sizes.items() if digest in first),
            )
        )
    return found


def _unpacked(layers: Collection[Layer], home: Home, reporter: Reporter) -> int | None:
    """Add up the bytes of the layers' tars; no layer is fetched for that."""
    memo = Memo(home.cache / "sizes")
    known = {layer.diff_id: memo.get(_key(layer), int) for layer in layers}
    missing = [layer for layer in layers if known[layer.diff_id] is None]
    if not all(isinstance(layer, LayoutLayer) for layer in missing):
        return None
    if missing:
        with reporter.task("measuring", sum(layer.descriptor.size for layer in missing)) as task:
            for layer in missing:
                known[layer.diff_id] = _measure(layer, task)
                memo.put(_key(layer), known[layer.diff_id])
    return sum(known[layer.diff_id] or 0 for layer in layers)


def _key(layer: Layer) -> Digest:
    return of_value(["unpacked", layer.diff_id])


def _measure(layer: Layer, task: Task) -> int:
    reader = LayerReader(layer, task, special=True)
    for _ in reader:
        pass
    return reader.unpacked
