"""Compares two images in everything that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightship.build.imagetree import open_tree
from lightship.events import Reporter
from lightship.inspect.diff.configuration import configuration_changes
from lightship.inspect.diff.layers import first_difference, shared_layers
from lightship.inspect.diff.model import ImageDiff, Side
from lightship.inspect.diff.parts import part_changes
from lightship.inspect.diff.paths import path_changes, tree_of
from lightship.inspect.report.inspection import inspect_tree
from lightship.inspect.report.model import Inspection
from lightship.oci.model import Image

_LOCK = "io.lightship.lock"


def diff_images(
    before: tuple[str, Image], after: tuple[str, Image], *, cache: Path, reporter: Reporter
) -> ImageDiff:
    """Compare two images, each with the name that it is to be called by.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    images = before[1], after[1]
    trees = [open_tree(image, cache=cache, reporter=reporter) for image in images]
    named = zip((before, after), trees, strict=True)
    inspected = [inspect_tree(name, image, tree, cache=cache) for (name, image), tree in named]
    shared, shared_bytes = shared_layers(*images)
    return ImageDiff(
        before=_side(inspected[0]),
        after=_side(inspected[1]),
        lock=_lock(images),
        shared_layers=shared,
        shared_bytes=shared_bytes,
        configuration=configuration_changes(*images),
        parts=part_changes(inspected[0].parts, inspected[1].parts),
        paths=path_changes(*map(tree_of, trees)),
        first=first_difference(*images, (trees[0].layers, trees[1].layers)),
    )


def _side(inspection: Inspection) -> Side:
    return Side(
        inspection.name,
        inspection.digest,
        inspection.platform,
        inspection.unpacked,
        inspection.compressed,
        len(inspection.layers),
        len(inspection.files),
    )


def _lock(images: Sequence[Image]) -> str:
    """Name the lock that both images say they were built from."""
    named = {image.config.config.labels.get(_LOCK, "") for image in images}
    return named.pop() if len(named) == 1 else ""
