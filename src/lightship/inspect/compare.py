"""Sizes of images side by side, and what they share: of built ones measured, of others predicted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.digest import Digest, of_value
from lightship.events import Reporter, Task
from lightship.inspect.oracle.model import MEASURED, Prediction
from lightship.oci.layout import LayoutLayer
from lightship.oci.model import Image, Layer
from lightship.oci.unpack import LayerReader


class Comparison(msgspec.Struct, frozen=True):
    """One image: bytes of its layers, as tars and compressed, and whether they are `predicted` or `measured`.

    `unpacked` is None where an image is in a registry, and nobody has read it yet; `digest` is empty where it
    is not built. `shared` are the compressed bytes of layers that the first of the compared images has, too:
    the first whose layers are known. `without` names what of a predicted image is not counted.
    """

    name: str
    basis: str
    digest: str
    unpacked: int | None
    compressed: int
    layers: int
    shared: int
    notes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sized:
    """An image's sizes; `parts` has the compressed bytes of each layer, by what identifies the layer."""

    name: str
    basis: str
    unpacked: int | None
    compressed: int
    layers: int
    digest: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def measured(name: str, image: Image, home: Home, reporter: Reporter) -> Sized:
    """Measure an image; a layer is read once, and its size remembered.

    Raises:
        IntegrityError: if a layer is damaged.

    """
    descriptors = [layer.descriptor for layer in image.layers]
    return Sized(
        name=name,
        basis=MEASURED,
        unpacked=_unpacked(image.layers, home, reporter),
        compressed=sum(descriptor.size for descriptor in descriptors),
        layers=len(descriptors),
        digest=image.descriptor.digest,
        parts={descriptor.digest: descriptor.size for descriptor in descriptors},
    )


def expected(prediction: Prediction) -> Sized:
    """Give a prediction's sizes."""
    return Sized(
        name=prediction.name,
        basis=prediction.basis,
        unpacked=prediction.unpacked,
        compressed=prediction.compressed,
        layers=len(prediction.layers),
        parts={layer.identity: layer.compressed for layer in prediction.layers},
        notes=prediction.notes,
        without=prediction.without,
    )


def side_by_side(images: Sequence[Sized]) -> list[Comparison]:
    """Compare images with the first of them, in their order."""
    first = next((image.parts for image in images if image.parts), {})
    return [
        Comparison(
            name=image.name,
            basis=image.basis,
            digest=image.digest,
            unpacked=image.unpacked,
            compressed=image.compressed,
            layers=image.layers,
            shared=sum(size for identity, size in image.parts.items() if identity in first),
            notes=image.notes,
            without=image.without,
        )
        for image in images
    ]


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
