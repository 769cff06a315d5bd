"""An image of a registry, put into a layout."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from lightship.events import Reporter, Task
from lightship.fs.atomic import write_bytes
from lightship.oci.layout import Layout
from lightship.oci.model import Descriptor, PlatformField
from lightship.registry.blobs import fetch_blob
from lightship.registry.documents import as_oci
from lightship.registry.remote import RemoteImage
from lightship.registry.transfer import in_parallel

SOURCE = "io.lightship.source"
"""Annotation of a name in a layout: the digest by which the registry has the image that was pulled."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull came to: the image in the layout, and bytes of layers `received` or `there` already.

    `source` describes the manifest as the registry has it. It differs from the `descriptor` where that was
    one of Docker's: a layout holds OCI's alone.
    """

    descriptor: Descriptor
    source: Descriptor
    received: int
    there: int


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
