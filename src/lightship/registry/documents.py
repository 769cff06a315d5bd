"""Manifests as registries keep them: OCI's, and Docker's older ones, the same in other media types."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from lightship.decoders import from_json
from lightship.digest import of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_INDEX,
    MEDIA_LAYER_GZIP,
    MEDIA_LAYER_TAR,
    MEDIA_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    decode,
    encode,
)

_DOCKER = "application/vnd.docker."
_DOCKER_MANIFEST = f"{_DOCKER}distribution.manifest.v2+json"
_DOCKER_LIST = f"{_DOCKER}distribution.manifest.list.v2+json"
_OCI = {
    _DOCKER_MANIFEST: MEDIA_MANIFEST,
    _DOCKER_LIST: MEDIA_INDEX,
    f"{_DOCKER}container.image.v1+json": MEDIA_CONFIG,
    f"{_DOCKER}image.rootfs.diff.tar.gzip": MEDIA_LAYER_GZIP,
    f"{_DOCKER}image.rootfs.diff.tar": MEDIA_LAYER_TAR,
}
"""OCI's media types for Docker's: image spec, media-types.md, "Compatibility Matrix"."""

ACCEPT = f"{MEDIA_MANIFEST}, {MEDIA_INDEX}, {_DOCKER_MANIFEST}, {_DOCKER_LIST}"


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or an index as a registry has it; the descriptor is of these bytes."""

    descriptor: Descriptor
    data: bytes

    @property
    def is_index(self) -> bool:
        return _OCI.get(self.descriptor.media_type, self.descriptor.media_type) == MEDIA_INDEX

    def index(self) -> Index:
        """Read an index, its media types OCI's.

        Raises:
            IntegrityError: if it is none.

        """
        index = decode(self.data, Index, where=self.descriptor.digest)
        return msgspec.structs.replace(index, manifests=tuple(map(_translated, index.manifests)))


def read_document(data: bytes, content_type: str, *, where: str) -> Document:
    """Find out what a registry has sent: the document says it, else the header.

    Raises:
        IntegrityError: if it is no JSON.
        UsageError: if it is no image, or one of a kind that nobody writes any more.

    """
    try:
        kind = from_json(data, _Kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(f"not a manifest: {error}", where=where, hint="push the image again") from error
    media_type = kind.media_type or content_type.partition(";")[0].strip()
    if _OCI.get(media_type, media_type) not in (MEDIA_MANIFEST, MEDIA_INDEX):
        raise UsageError(
            f"{media_type or 'this'} is no manifest of an image that Lightship knows",
            where=where,
            hint="push the image again with a current client",
        )
    return Document(Descriptor(media_type, of_bytes(data), len(data)), data)


def as_oci(document: Document) -> Document:
    """Give an image's manifest in OCI's terms; what is OCI's already stays as it is, to the byte.

    Raises:
        IntegrityError: if it is no manifest.
        UsageError: if a layer is of an unknown kind, or lies elsewhere.

    """
    manifest = decode(document.data, Manifest, where=document.descriptor.digest)
    if document.descriptor.media_type == MEDIA_MANIFEST:
        return document
    data = encode(
        Manifest(
            schema_version=2,
            media_type=MEDIA_MANIFEST,
            config=_translated(manifest.config),
            layers=tuple(map(_translated, manifest.layers)),
            annotations=manifest.annotations,
        )
    )
    return Document(Descriptor(MEDIA_MANIFEST, of_bytes(data), len(data)), data)


def _translated(descriptor: Descriptor) -> Descriptor:
    media_type = _OCI.get(descriptor.media_type, descriptor.media_type)
    if media_type.startswith(_DOCKER):
        raise UsageError(
            f"{media_type} is a kind of layer that is not in the registry",
            where=descriptor.digest,
            hint="build the image on a base that may be distributed",
        )
    return msgspec.structs.replace(descriptor, media_type=media_type)
