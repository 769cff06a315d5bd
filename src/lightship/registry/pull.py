"""An image of a registry, put into a layout."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from lightship.errors import UsageError
from lightship.events import Reporter, Task
from lightship.fs.atomic import write_bytes
from lightship.oci.index import write_index
from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_INDEX, Descriptor, PlatformField
from lightship.registry.address import Repository
from lightship.registry.blobs import fetch_blob
from lightship.registry.documents import Document, as_oci
from lightship.registry.manifests import get_manifest
from lightship.registry.remote import RemoteImage
from lightship.registry.transfer import in_parallel
from lightship.registry.wire import Wire

SOURCE = "io.lightship.source"
"""Annotation of a name in a layout: the digest by which the registry has the image that was pulled."""
_NO_PLATFORM = PlatformField("unknown", "unknown")
_NAME_ONE = "name one of its indexes by digest"


class Pulled(Struct, frozen=True):
    """What a pull came to: the image in the layout, and bytes of layers `received` or `there` already.

    `source` describes the manifest as the registry has it. It differs from the `descriptor` where that was
    one of Docker's: a layout holds OCI's alone.
    """

    descriptor: Descriptor
    source: Descriptor
    received: int
    there: int


def pull_index(
    wire: Wire, repository: Repository, index: Document, layout: Layout, reporter: Reporter
) -> Pulled:
    """Fetch all that an index names, and the index; it comes last.

    It stays as it is, to the byte, unless something in it is in Docker's format: then one of OCI's takes its
    place, without what is no image (BuildKit's attestations).

    Raises:
        NetworkError: as `pull_image` does.
        IntegrityError: as `pull_image` does.
        UsageError: an index in it, or something that is no image.
        StageError: the layout cannot be written.

    """
    documents = [get_manifest(wire, repository, item.digest) for item in index.index().manifests]
    if any(document.is_index for document in documents):
        raise UsageError(
            "an index of indexes is no image", where=f"{repository}@{index.descriptor.digest}", hint=_NAME_ONE
        )
    images = [RemoteImage(lambda: wire, repository, document, layout) for document in documents]
    pulled = [pull_image(image, layout, reporter) for image in images]
    if index.descriptor.media_type == MEDIA_INDEX and all(
        each.descriptor.digest == each.source.digest for each in pulled
    ):
        descriptor = layout.write(MEDIA_INDEX, index.data)
    else:
        named = (each.descriptor for each in pulled if each.descriptor.platform != _NO_PLATFORM)
        descriptor = write_index(layout, named)
    return Pulled(
        descriptor,
        index.descriptor,
        received=sum(each.received for each in pulled),
        there=sum(each.there for each in pulled),
    )


def pull_image(image: RemoteImage, layout: Layout, reporter: Reporter) -> Pulled:
    """Fetch what the layout lacks; the manifest comes last, and names nothing that is not there.

    Raises:
        NetworkError: unreachable, not allowed, or broken off again and again.
        IntegrityError: something is not what its digest says.
        StageError: the layout cannot be written.

    """
    layout.create()
    blobs = {layer.descriptor.digest: layer.descriptor for layer in image.layers}
    missing = [blob for blob in blobs.values() if not layout.has(blob.digest, blob.size)]

    def fetch(blob: Descriptor, task: Task) -> None:
        fetch_blob(image.wire, image.repository, blob, layout.blob_path(blob.digest), task)

    with reporter.task(f"pulling from {image.repository}", sum(blob.size for blob in missing)) as task:
        in_parallel(fetch, sorted(missing, key=lambda blob: -blob.size), task)
    document, config = as_oci(image.document), image.manifest.config
    if not layout.has(config.digest, config.size):
        write_bytes(layout.blob_path(config.digest), image.config_data)
    write_bytes(layout.blob_path(document.descriptor.digest), document.data)
    platform = PlatformField(image.config.architecture, image.config.os)
    received = sum(blob.size for blob in missing)
    return Pulled(
        descriptor=msgspec.structs.replace(document.descriptor, platform=platform),
        source=image.document.descriptor,
        received=received,
        there=sum(blob.size for blob in blobs.values()) - received,
    )
