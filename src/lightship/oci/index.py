"""Image indexes (image spec, image-index.md): one name for the images of several platforms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from lightship.errors import UsageError
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_INDEX,
    MEDIA_MANIFEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    PlatformField,
    decode,
    encode,
)
from lightship.platform import Platform

_NO_PLATFORM = "unknown/unknown"
"""Where BuildKit lists what is no image: attestations of one (docs/attestations/attestation-storage.md)."""


class Offer(NamedTuple):
    """A manifest of a layout, and the platform that it is for, such as `linux/amd64`."""

    platform: str
    descriptor: Descriptor


class LayoutIndex(Struct, frozen=True, dict=True):
    """An index of a layout."""

    layout: Layout
    descriptor: Descriptor

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """The images in it, also those of indexes in it.

        Raises:
            IntegrityError: if a document is missing or damaged.
            UsageError: if something in it is no image.

        """
        return tuple(offers(self.layout, [self.descriptor], where=str(self.layout.path)))


Stored = LayoutImage | LayoutIndex
"""What a name of a layout may stand for."""


def open_stored(layout: Layout, descriptor: Descriptor) -> Stored:
    """Open an image, or an index of images.

    Raises:
        UsageError: if it is neither.

    """
    if descriptor.media_type == MEDIA_INDEX:
        return LayoutIndex(layout, descriptor)
    return layout.image(descriptor)


def choose_image(stored: Stored, name: str, *, wanted: Platform | None, own: Platform | None) -> LayoutImage:
    """Give the image for `wanted`, or where that is None the only one, or of several that for `own`.

    Raises:
        UsageError: if there is none for the platform; those that there are, are named.

    """
    if isinstance(stored, LayoutImage):
        if wanted in (None, stored.config.platform):
            return stored
        raise _missing(name, str(wanted), [str(stored.config.platform)])
    platform = str(wanted or own or "this machine")
    for offer in stored.offers:
        if offer.platform == platform:
            return stored.layout.image(offer.descriptor)
    raise _missing(name, platform, [offer.platform for offer in stored.offers])


def _missing(name: str, platform: str, there: list[str]) -> UsageError:
    known = " and ".join(there) or "nothing"
    return UsageError(
        f"{name!r} has no image for {platform}: it is for {known}",
        where=name,
        hint="build or fetch it for that platform; `verify` and `compare` take another one's with --platform",
    )


def offers(layout: Layout, descriptors: Iterable[Descriptor], *, where: str) -> Iterator[Offer]:
    """Yield every image that descriptors name, by themselves or in indexes.

    Raises:
        IntegrityError: if a document is missing or damaged.
        UsageError: for a manifest of another specification.

    """
    for descriptor in descriptors:
        if descriptor.media_type == MEDIA_INDEX:
            index = decode(layout.read(descriptor), Index, where=layout.path)
            yield from offers(layout, index.manifests, where=where)
        elif descriptor.media_type == MEDIA_MANIFEST:
            offer = Offer(_platform(layout, descriptor), descriptor)
            if offer.platform != _NO_PLATFORM:
                yield offer
        else:
            raise UsageError(
                f"{descriptor.media_type} is no manifest of the OCI image specification",
                where=where,
                hint="convert it: `skopeo copy --format oci`",
            )


def _platform(layout: Layout, descriptor: Descriptor) -> str:
    """Name a manifest's platform; where its descriptor does not say, its configuration does."""
    if descriptor.platform is not None:
        return f"{descriptor.platform.os}/{descriptor.platform.architecture}"
    manifest = decode(layout.read(descriptor), Manifest, where=layout.path)
    config = decode(layout.read(manifest.config), ImageConfig, where=layout.path)
    return f"{config.os}/{config.architecture}"


def write_index(layout: Layout, images: Iterable[Descriptor]) -> Descriptor:
    """Store an index of manifests, each with its platform, and in the platforms' order."""
    manifests = (_with_platform(layout, descriptor) for descriptor in images)
    ordered = sorted(manifests, key=lambda item: _platform(layout, item))
    return layout.write(MEDIA_INDEX, encode(Index(2, tuple(ordered), MEDIA_INDEX)))


def _with_platform(layout: Layout, descriptor: Descriptor) -> Descriptor:
    os, _, architecture = _platform(layout, descriptor).partition("/")
    return replace(descriptor, platform=PlatformField(architecture, os))


def all_blobs(layout: Layout, descriptor: Descriptor) -> Iterator[Descriptor]:
    """Yield all that a manifest or an index needs, itself last: what names a blob comes after it.

    A layer of several images is there several times.

    Raises:
        IntegrityError: if a document is missing or damaged.

    """
    if descriptor.media_type == MEDIA_INDEX:
        for item in decode(layout.read(descriptor), Index, where=layout.path).manifests:
            yield from all_blobs(layout, item)
    else:
        manifest = layout.image(descriptor).manifest
        yield from (*manifest.layers, manifest.config)
    yield descriptor
