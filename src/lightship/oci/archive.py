"""Images in one file, as `docker save` writes them: what Docker, Podman, Skopeo and Buildah all load.

The file is an OCI layout with Docker's `manifest.json` beside it. Old clients (Docker 1.10 and later) read
`manifest.json`, which points at the same blobs; newer ones with containerd's image store read the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

    Raises:
        UsageError: as `archive_entries` does.
        IntegrityError: if a blob is missing or damaged.

    """
    out.writelines(archive_chunks(archive_entries(image, name)))


def archive_entries(image: LayoutImage, name: str) -> list[Entry]:
    """List what the archive holds; blobs go in as they are, so the same image is always the same archive.

    Raises:
        UsageError: if `name` is no tag, or the layers are zstd: Docker reads those from version 23 on only.

    """
    reference = _tag(name)
    _refuse_zstd(image)
    index = Index(2, (_named(image.descriptor, reference),), MEDIA_INDEX)
    manifest = _DockerManifest(
        _path(image.manifest.config.digest),
        (str(reference),),
        tuple(_path(layer.digest) for layer in image.manifest.layers),
    )
    return [
        regular("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
        regular("index.json", encode(index)),
        regular("manifest.json", canonical_json([manifest])),
        directory("blobs"),
        directory("blobs/sha256"),
        *(Entry(_path(blob.digest), Kind.FILE, 0o644, _Blob(image.layout, blob)) for blob in _blobs(image)),
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


class _DockerManifest(msgspec.Struct, frozen=True, rename="pascal"):
    """An item of `manifest.json` (Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset")."""

    config: str
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]


def _blobs(image: LayoutImage) -> list[Descriptor]:
    """List every blob once: layers may be the same."""
    wanted = (image.descriptor, image.manifest.config, *image.manifest.layers)
    return list({descriptor.digest: descriptor for descriptor in wanted}.values())


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


def _refuse_zstd(image: LayoutImage) -> None:
    if any(layer.media_type == MEDIA_LAYER_ZSTD for layer in image.manifest.layers):
        raise UsageError(
            "the image's layers are compressed with zstd, which Docker before version 23 does not load",
            where=image.descriptor.digest,
            hint="build it with gzip layers, or push it to a registry",
        )
