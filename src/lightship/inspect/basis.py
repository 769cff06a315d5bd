"""What an image is checked from: its layers, or of a registry's image a scan that is attached to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lightship.build.rootfs import layer_store
from lightship.errors import IntegrityError, NetworkError, UsageError
from lightship.events import Reporter
from lightship.inspect.answers import ToldFiles
from lightship.inspect.attached import LARGEST, MEDIA_SCAN, Attached, read_scan
from lightship.inspect.contents import Contents, files_of, stack_contents
from lightship.inspect.facts import has_facts
from lightship.inspect.here import is_far
from lightship.inspect.reading import know_layers
from lightship.oci.model import Image, Layer
from lightship.registry.attachments import attachments
from lightship.registry.remote import RemoteImage


def attached_contents(image: Image, *, cache: Path, reporter: Reporter, runs: bool) -> Contents | None:
    """See an image through the scan that is attached to it, where layers of it are neither here nor known.

    Where the image is to be run, to be known is not enough. Layers that are known count as they are. A
    document that cannot be used is told, and the next is looked at.
    """
    if not isinstance(image, RemoteImage):
        return None
    wanted = _is_away if runs else _is_unknown
    if not any(wanted(layer, cache) for layer in image.layers):
        return None
    for attached in documents(image, reporter):
        try:
            return _seen_through(attached, image, cache, reporter)
        except IntegrityError as error:
            tell(reporter, error)
    return None


def tell(reporter: Reporter, error: IntegrityError | NetworkError | UsageError) -> None:
    """Say why an attached scan is not used."""
    reporter.warn(f"no scan of the image is used, and its layers are read: {error}")


def documents(image: RemoteImage, reporter: Reporter) -> Iterator[Attached]:
    """Yield the scans that are attached to an image; why one cannot be used is told."""
    try:
        for data in attachments(image, MEDIA_SCAN, LARGEST):
            try:
                yield read_scan(data, image)
            except IntegrityError as error:
                tell(reporter, error)
    except (IntegrityError, NetworkError, UsageError) as error:
        tell(reporter, error)


def _is_away(layer: Layer, cache: Path) -> bool:
    return is_far(layer, layer_store(cache))


def _is_unknown(layer: Layer, cache: Path) -> bool:
    return _is_away(layer, cache) and not has_facts(layer.diff_id, cache=cache)


def _seen_through(attached: Attached, image: Image, cache: Path, reporter: Reporter) -> Contents:
    far = [_is_unknown(layer, cache) for layer in image.layers]
    near = [layer for layer, away in zip(image.layers, far, strict=True) if not away]
    here = know_layers(near, cache=cache, reporter=reporter)
    known = ((each.layer, each.facts.scan) for each in here)
    told = zip(attached.layers, attached.scans, strict=True)
    # One layer may be there twice, and each time is another object: that is how it is told from itself.
    pairs = [each if away else next(known) for away, each in zip(far, told, strict=True)]
    files = files_of(image, here, cache=cache, reporter=reporter)
    answers = ToldFiles(frozenset(each.layer.diff_id for each in here), attached.answers, files)
    layers, scans = zip(*pairs, strict=True)
    return stack_contents(image.config, layers, scans, answers)
