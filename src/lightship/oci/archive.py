"""Images in one file, as `docker save` writes them: what Docker, Podman, Skopeo and Buildah all load.

The file is an OCI layout with Docker's `manifest.json` beside it. Old clients (Docker 1.10 and later) read
`manifest.json`, which points at the same blobs; newer ones with containerd's image store read the layout.

Layers of zstd, which Docker before version 23 does not load, go in decompressed: configuration and diff IDs,
and so the image's ID, stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import msgspec

from lightship.digest import Digest, canonical_json, hex_of, of_bytes
from lightship.errors import UsageError
from lightship.fs import tar
from lightship.fs.decompress import decompress
from lightship.fs.entries import BytesContent, Content, Entry, Kind, directory, regular
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_INDEX,
    MEDIA_LAYER_TAR,
    MEDIA_LAYER_ZSTD,
    REF_NAME,
    Descriptor,
    Index,
    encode,
)
from lightship.reference import Reference, parse_reference

CONTAINERD_NAME = "io.containerd.image.name"
_DEFAULT_REGISTRY = (
    "docker.io"  # what Docker takes a name without a registry to mean; containerd stores it so
)


def write_docker_archive(image: LayoutImage, name: str, out: BinaryIO) -> None:
    """Write an image as a tar that `docker load` reads from its standard input; `out` need not be seekable.

    Raises:
        UsageError: as `archive_entries` does.
        IntegrityError: if a blob is missing or damaged.

    """
    out.writelines(archive_chunks(archive_entries(image, name)))


def archive_entries(image: LayoutImage, name: str) -> list[Entry]:
    """List what the archive holds: the same image is always the same archive.

    Raises:
        UsageError: if `name` is no tag.
        IntegrityError: if a zstd layer is missing or damaged: it is decompressed once to know its size.

    """
    reference = _tag(name)
    layers = [_layer(image, number) for number in range(len(image.manifest.layers))]
    manifest = _manifest(image, layers)
    index = Index(2, (_named(manifest.descriptor, reference),), MEDIA_INDEX)
    listing = _DockerManifest(
        _path(image.manifest.config.digest),
        (str(reference),),
        tuple(_path(layer.descriptor.digest) for layer in layers),
    )
    return [
        regular("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
        regular("index.json", encode(index)),
        regular("manifest.json", canonical_json([listing])),
        directory("blobs"),
        directory("blobs/sha256"),
        *_blobs(manifest, _Item.stored(image, image.manifest.config), *layers),
    ]


def archive_size(entries: Iterable[Entry]) -> int:
    """Bytes of the archive, to the last: what `archive_chunks` yields."""
    sizes = (len(tar.header(entry)) + entry.size + len(tar.padding(entry.size)) for entry in entries)
    return sum(sizes) + len(tar.END)


def archive_chunks(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the archive.

    Raises:
        IntegrityError: if a blob is missing or damaged.

    """
    for entry in entries:
        yield tar.header(entry)
        if entry.content is not None:
            yield from entry.content.chunks()
            yield tar.padding(entry.content.size)
    yield tar.END


def full_name(reference: Reference) -> str:
    """Write a tag out with the registry that Docker takes a short name to mean."""
    registry = reference.registry or _DEFAULT_REGISTRY
    library = "" if reference.registry or "/" in reference.name else "library/"
    return f"{registry}/{library}{reference.name}:{reference.tag}"


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob of a layout as the content of an entry."""

    layout: Layout
    descriptor: Descriptor

    @property
    def size(self) -> int:
        return self.descriptor.size

    def chunks(self) -> Iterator[bytes]:
        return self.layout.chunks(self.descriptor)


@dataclass(frozen=True)
class _Plain:
    """A layer of a layout, decompressed."""

    layout: Layout
    descriptor: Descriptor

    @cached_property
    def size(self) -> int:
        return sum(map(len, self.chunks()))

    def chunks(self) -> Iterator[bytes]:
        stored = self.descriptor
        return decompress(self.layout.chunks(stored), stored.media_type, archive=stored.digest)


@dataclass(frozen=True, slots=True)
class _Item:
    """A blob of the archive."""

    descriptor: Descriptor
    content: Content

    @classmethod
    def stored(cls, image: LayoutImage, descriptor: Descriptor) -> _Item:
        return cls(descriptor, _Blob(image.layout, descriptor))


class _DockerManifest(msgspec.Struct, frozen=True, rename="pascal"):
    """An item of `manifest.json` (Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset")."""

    config: str
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]


def _layer(image: LayoutImage, number: int) -> _Item:
    stored = image.manifest.layers[number]
    if stored.media_type != MEDIA_LAYER_ZSTD:
        return _Item.stored(image, stored)
    plain = _Plain(image.layout, stored)
    descriptor = msgspec.structs.replace(
        stored, media_type=MEDIA_LAYER_TAR, digest=image.config.rootfs.diff_ids[number], size=plain.size
    )
    return _Item(descriptor, plain)


def _manifest(image: LayoutImage, layers: Iterable[_Item]) -> _Item:
    """Give the image's own manifest, or one that names the layers as they are in the archive."""
    shipped = tuple(layer.descriptor for layer in layers)
    if shipped == image.manifest.layers:
        return _Item.stored(image, image.descriptor)
    content = encode(msgspec.structs.replace(image.manifest, layers=shipped))
    descriptor = msgspec.structs.replace(image.descriptor, digest=of_bytes(content), size=len(content))
    return _Item(descriptor, BytesContent(content))


def _blobs(*items: _Item) -> list[Entry]:
    """List every blob once: layers may be the same."""
    unique = {_path(item.descriptor.digest): item.content for item in items}
    return [Entry(path, Kind.FILE, 0o644, content) for path, content in unique.items()]


def _path(digest: Digest) -> str:
    return f"blobs/sha256/{hex_of(digest)}"


def _named(descriptor: Descriptor, reference: Reference) -> Descriptor:
    names = {CONTAINERD_NAME: full_name(reference), REF_NAME: reference.tag}
    return msgspec.structs.replace(descriptor, annotations=descriptor.annotations | names)


def _tag(name: str) -> Reference:
    reference = parse_reference(name)
    if reference.digest is not None:
        raise UsageError(
            f"{name!r} has a digest, and an archive is loaded under a tag",
            hint="leave out the part from '@' on",
        )
    return reference
