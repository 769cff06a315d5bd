"""Documents beside an image of a registry: artifacts of one blob whose subject is the image's manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lightship.errors import IntegrityError
from lightship.oci.model import Manifest, decode
from lightship.registry.blobs import blob_chunks
from lightship.registry.manifests import get_manifest
from lightship.registry.referrers import list_referrers
from lightship.registry.remote import RemoteImage

_HINT = "attach it again, with `lightship push`"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST = 4
"""Documents of one type that are looked at: several Lightships may have attached theirs."""


def attachments(
    image: RemoteImage, artifact_type: str, largest: int, said: Mapping[str, str] = _NOTHING
) -> Iterator[bytes]:
    """Yield the documents of a type that refer to an image, fetched one by one, the last listed first.

    Those alone are meant whose annotations have what is `said`.

    Raises:
        NetworkError: the registry cannot be reached, or does not let us read.
        IntegrityError: one is not what its digest says, about something else, or larger than `largest` bytes.
        UsageError: one is no manifest.

    """
    subject = image.descriptor.digest
    listing = list_referrers(image.wire, image.repository, subject, artifact_type)
    found = [item for item in listing if said.items() <= item.annotations.items()]
    for listed in found[: -_MOST - 1 : -1]:
        document = get_manifest(image.wire, image.repository, listed.digest)
        where = f"{image.repository}@{listed.digest}"
        manifest = decode(document.data, Manifest, where=where)
        if manifest.subject is None or manifest.subject.digest != subject or len(manifest.layers) != 1:
            raise IntegrityError(
                "it is no document about this image",
                where=where,
                hint=_HINT,
            )
        (blob,) = manifest.layers
        if blob.size > largest:
            raise IntegrityError(
                f"it has {blob.size:,} bytes, and {largest:,} are the most",
                where=where,
                hint=_HINT,
            )
        yield b"".join(blob_chunks(image.wire, image.repository, blob))
