"""Compares two images in everything that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightship.events import Reporter
from lightship.inspect.diff.configuration import configuration_changes
from lightship.inspect.diff.layers import first_difference, shared_layers
from lightship.inspect.diff.model import ImageDiff, Side
from lightship.inspect.diff.parts import part_changes
from lightship.inspect.diff.paths import path_changes, tree_of
from lightship.inspect.report.inspection import inspect_seen
from lightship.inspect.report.model import Inspection
from lightship.inspect.seeing import Seen, look
from lightship.oci.model import Image

_LOCK = "io.lightship.lock"


def diff_images(
    before: tuple[str, Image],
    after: tuple[str, Image],
    *,
    cache: Path,
    reporter: Reporter,
    full: bool = False,
) -> ImageDiff:
    """Compare two images, each with the name that it is to be called by.

    Layers that are not here are read, unless something in a registry tells of them, or else if it is to be in
    `full`.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """

    def compare(old: Seen) -> ImageDiff:
        return look(
            after[1],
            lambda new: _diff(before, after, old, new),
            cache=cache,
            reporter=reporter,
            full=full,
        )

    return look(before[1], compare, cache=cache, reporter=reporter, full=full)


def _diff(before: tuple[str, Image], after: tuple[str, Image], old: Seen, new: Seen) -> ImageDiff:
    images = before[1], after[1]
    inspected = [inspect_seen(*before, old), inspect_seen(*after, new)]
    shared, shared_bytes = shared_layers(*images)
    return ImageDiff(
        before=_side(inspected[0]),
        after=_side(inspected[1]),
        lock=_lock(images),
        shared_layers=shared,
        shared_bytes=shared_bytes,
        configuration=configuration_changes(*images),
        parts=part_changes(inspected[0].parts, inspected[1].parts),
        paths=path_changes(tree_of(old), tree_of(new)),
        first=first_difference(*images, old, new),
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
        inspection.basis,
    )


def _lock(images: Sequence[Image]) -> str:
    """Name the lock that both images say they were built from."""
    named = {image.config.config.labels.get(_LOCK, "") for image in images}
    return named.pop() if len(named) == 1 else ""
