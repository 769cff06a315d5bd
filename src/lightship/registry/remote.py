"""Images read where they are: of a registry comes what is asked for, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from lightship.digest import Digest
from lightship.errors import IntegrityError, UsageError
from lightship.oci.layout import Layout, LayoutLayer
from lightship.oci.model import MEDIA_MANIFEST, Descriptor, ImageConfig, Layer, Manifest, decode
from lightship.platform import Platform
from lightship.registry.address import Repository
from lightship.registry.blobs import blob_chunks, read_blob, read_part
from lightship.registry.documents import Document, as_oci
from lightship.registry.manifests import get_manifest
from lightship.registry.wire import Wire


@dataclass(frozen=True)
class RemoteLayer:
    """A layer in a registry, read anew each time."""

    connect: Callable[[], Wire]
    repository: Repository
    descriptor: Descriptor
    diff_id: Digest

    def chunks(self) -> Iterator[bytes]:
        return blob_chunks(self.connect(), self.repository, self.descriptor)

    def part(self, start: int, end: int) -> bytes:
        """Fetch the bytes from `start` up to but without `end`, which nothing checks.

        Raises:
            NetworkError: they cannot be had.

        """
        return read_part(self.connect(), self.repository, self.descriptor, start, end)


@dataclass(frozen=True)
class RemoteImage:
    """An image in a registry; its configuration is fetched when asked for.

    `document` is its manifest as the registry has it. Blobs that `store` has are read there, and `connect` is
    asked for a client when one is not.
    """

    connect: Callable[[], Wire]
    repository: Repository
    document: Document
    store: Layout

    @property
    def wire(self) -> Wire:
        return self.connect()

    @property
    def descriptor(self) -> Descriptor:
        return msgspec.structs.replace(self.document.descriptor, media_type=MEDIA_MANIFEST)

    @cached_property
    def manifest(self) -> Manifest:
        """In OCI's terms, whatever the registry's are."""
        return decode(as_oci(self.document).data, Manifest, where=self._where)

    @cached_property
    def config(self) -> ImageConfig:
        return decode(self.config_data, ImageConfig, where=self._where)

    @cached_property
    def config_data(self) -> bytes:
        config = self.manifest.config
        if self.store.has(config.digest, config.size):
            return self.store.read(config)
        return read_blob(self.wire, self.repository, config)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        descriptors, diff_ids = self.manifest.layers, self.config.rootfs.diff_ids
        if len(descriptors) != len(diff_ids):
            raise IntegrityError(
                f"the image has {len(descriptors)} layers, but {len(diff_ids)} diff IDs",
                where=self._where,
                hint="push it again",
            )
        return tuple(map(self._layer, descriptors, diff_ids))

    def _layer(self, descriptor: Descriptor, diff_id: Digest) -> Layer:
        if self.store.has(descriptor.digest, descriptor.size):
            return LayoutLayer(self.store, descriptor, diff_id)
        return RemoteLayer(self.connect, self.repository, descriptor, diff_id)

    @property
    def _where(self) -> str:
        return f"{self.repository}@{self.document.descriptor.digest}"


def open_remote(
    wire: Wire, repository: Repository, target: str, store: Layout, *, platform: Platform, exact: bool = False
) -> RemoteImage:
    """Find an image by tag or digest; of an index, the one for `platform`.

    Without an index there is no choice, and its image is for whatever it is for, unless `exact`.

    Raises:
        NetworkError: it is not there, or may not be read.
        IntegrityError: a digest is not what it must be.
        UsageError: it is no image, or not one for the platform.

    """
    document = get_manifest(wire, repository, target)
    if document.is_index:
        chosen = choose(document, platform, where=f"{repository}:{target}")
        document = get_manifest(wire, repository, chosen.digest)
    if document.is_index:
        raise UsageError(
            "an index of indexes is no image", where=f"{repository}:{target}", hint="name a manifest"
        )
    image = RemoteImage(lambda: wire, repository, document, store)
    if exact:
        check_platform(image, platform, where=f"{repository}:{target}")
    return image


def check_platform(image: RemoteImage, platform: Platform, *, where: str) -> None:
    """Insist on the platform that an image's configuration names.

    Raises:
        UsageError: if it is another one.

    """
    made_for = f"{image.config.os}/{image.config.architecture}"
    if made_for != str(platform):
        raise _elsewhere(platform, made_for, where)


def choose(document: Document, platform: Platform, *, where: str) -> Descriptor:
    """Take an index's first manifest for a platform, as the image specification says (image-index.md).

    Raises:
        UsageError: if there is none; those that there are, are named.

    """
    offers = [
        (f"{item.platform.os}/{item.platform.architecture}", item)
        for item in document.index().manifests
        if item.platform is not None and item.platform.os != "unknown"  # BuildKit's attestations
    ]
    for name, item in offers:
        if name == str(platform):
            return item
    raise _elsewhere(platform, ", ".join(sorted({name for name, _ in offers})) or "nothing", where)


def _elsewhere(platform: Platform, there: str, where: str) -> UsageError:
    return UsageError(
        f"the image is not there for {platform}; it is for {there}",
        where=where,
        hint="name another platform (with --platform, or in `platforms`), or another image",
    )
