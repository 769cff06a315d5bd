"""Images in one file, as `docker save` writes them: what Docker, Podman, Skopeo and Buildah all load.

The file is an OCI layout with Docker's `manifest.json` beside it. Old clients (Docker 1.10 and later) read
`manifest.json`, which points at the same blobs; newer ones with containerd's image store read the layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from lightship.digest import Digest, canonical_json, hex_of
from lightship.errors import UsageError
from lightship.fs import tar
from lightship.fs.entries import Entry, Kind, directory, regular
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_INDEX, MEDIA_LAYER_ZSTD, REF_NAME, Descriptor, Index, encode
from lightship.reference import Reference, parse_reference

CONTAINERD_NAME = "io.containerd.image.name"
_DEFAULT_REGISTRY = (
    "docker.io"  # what Docker takes a name without a registry to mean; containerd stores it so
)


def write_docker_archive(image: LayoutImage, name: str, out: BinaryIO) -> None:
    """Write an image as a tar that `docker load` reads from its standard input; `out` need not be seekable.

    The blobs go in as they are, so the same image is always the same archive.

    Raises:
        UsageError: if `name` is no tag, or the layers are zstd: Docker reads those from version 23 on only.
        IntegrityError: if a blob is missing or damaged.

    """
    reference = _tag(name)
    _refuse_zstd(image)
    for entry in _entries(image, reference):
        out.write(tar.header(entry))
        if entry.content is not None:
            out.writelines(entry.content.chunks())
            out.write(tar.padding(entry.content.size))
    out.write(tar.END)


def archive_size(image: LayoutImage) -> int:
    """Bytes of blobs that an archive carries: how much work it is, for a progress bar."""
    return sum(descriptor.size for descriptor in _blobs(image))


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


class _DockerManifest(msgspec.Struct, frozen=True, rename="pascal"):
    """An item of `manifest.json` (Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset")."""

    config: str
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]


def _entries(image: LayoutImage, reference: Reference) -> Iterator[Entry]:
    yield regular("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    yield regular("index.json", encode(Index(2, (_named(image.descriptor, reference),), MEDIA_INDEX)))
    manifest = _DockerManifest(
        _path(image.manifest.config.digest),
        (str(reference),),
        tuple(_path(layer.digest) for layer in image.manifest.layers),
    )
    yield regular("manifest.json", canonical_json([manifest]))
    yield from (directory("blobs"), directory("blobs/sha256"))
    for descriptor in _blobs(image):
        yield Entry(_path(descriptor.digest), Kind.FILE, 0o644, _Blob(image.layout, descriptor))


def _blobs(image: LayoutImage) -> list[Descriptor]:
    """List every blob once: layers may be the same."""
    wanted = (image.descriptor, image.manifest.config, *image.manifest.layers)
    return list({descriptor.digest: descriptor for descriptor in wanted}.values())


def _path(digest: Digest) -> str:
    return f"blobs/sha256/{hex_of(digest)}"


def _named(descriptor: Descriptor, reference: Reference) -> Descriptor:
    registry = reference.registry or _DEFAULT_REGISTRY
    library = "" if reference.registry or "/" in reference.name else "library/"
    names = {
        CONTAINERD_NAME: f"{registry}/{library}{reference.name}:{reference.tag}",
        REF_NAME: reference.tag,
    }
    return msgspec.structs.replace(descriptor, annotations=descriptor.annotations | names)


def _tag(name: str) -> Reference:
    reference = parse_reference(name)
    if reference.digest is not None:
        raise UsageError(
            f"{name!r} has a digest, and an archive is loaded under a tag",
            hint="leave out the part from '@' on",
        )
    return reference


def _refuse_zstd(image: LayoutImage) -> None:
    if any(layer.media_type == MEDIA_LAYER_ZSTD for layer in image.manifest.layers):
        raise UsageError(
            "the image's layers are compressed with zstd, which Docker before version 23 does not load",
            where=image.descriptor.digest,
            hint="build it with gzip layers, or push it to a registry",
        )
