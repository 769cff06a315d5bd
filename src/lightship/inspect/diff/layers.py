"""Where the layers of two images begin to differ, and in what: what makes two builds of one lock differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from lightship.build.layerstore import StoredLayer
from lightship.inspect.diff.model import Cause, LayerDifference, LayerSummary, PathChange
from lightship.inspect.diff.paths import members_of, path_changes
from lightship.inspect.report.layers import titles
from lightship.inspect.seeing import Seen
from lightship.oci.model import Image


def shared_layers(before: Image, after: Image) -> tuple[int, int]:
    """Count the second image's layers that the first has, too, and add up their compressed bytes."""
    known = {layer.descriptor.digest for layer in before.layers}
    found = {layer.descriptor.digest: layer.descriptor.size for layer in after.layers}
    sizes = [size for digest, size in found.items() if digest in known]
    return len(sizes), sum(sizes)


def first_difference(before: Image, after: Image, seen: Seen, later: Seen) -> LayerDifference | None:
    """Look at the lowest layer that is not the same blob in both images; None where there is none."""
    pairs = zip_longest(_summaries(before, seen.layers), _summaries(after, later.layers))
    for number, (old, new) in enumerate(pairs):
        if old is None or new is None:
            return LayerDifference(number, old, new, Cause.ABSENT, ())
        if old.digest != new.digest:
            cause, members = _compare(seen, later, number)
            return LayerDifference(number, old, new, cause, members)
    return None


def _compare(seen: Seen, later: Seen, number: int) -> tuple[Cause, tuple[PathChange, ...]]:
    layers = seen.layers[number], later.layers[number]
    if layers[0].diff_id == layers[1].diff_id:
        return Cause.COMPRESSION, ()
    if changes := path_changes(members_of(seen, number), members_of(later, number)):
        return Cause.MEMBERS, changes
    orders = [[member.path for member in layer.members] for layer in layers]
    return (Cause.ORDER if orders[0] != orders[1] else Cause.HEADERS), ()


def _summaries(image: Image, stored: Sequence[StoredLayer]) -> list[LayerSummary]:
    named = zip(image.layers, stored, titles(image.config), strict=True)
    return [
        LayerSummary(
            title,
            layer.descriptor.digest,
            layer.diff_id,
            layer.descriptor.media_type,
            layer.descriptor.size,
            unpacked.unpacked,
        )
        for layer, unpacked, title in named
    ]
