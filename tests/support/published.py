"""Images of layouts, put into the registry of this process without asking any client."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lightship.digest import Digest
from lightship.oci.layout import LayoutImage
from lightship.oci.model import MEDIA_INDEX, MEDIA_MANIFEST
from tests.support.registry import Registry

_DOCKER = "application/vnd.docker."


def publish(registry: Registry, name: str, tag: str, image: LayoutImage, *, older: bool = False) -> Digest:
    """Put an image under a tag; with `older`, in Docker's own format. Gives its digest there."""
    for blob in (image.manifest.config, *image.manifest.layers):
        registry.add_blob(name, image.layout.read(blob))
    if not older:
        return registry.add_manifest(name, tag, MEDIA_MANIFEST, image.layout.read(image.descriptor))
    document = json.loads(image.layout.read(image.descriptor))
    document["mediaType"] = f"{_DOCKER}distribution.manifest.v2+json"
    document["config"]["mediaType"] = f"{_DOCKER}container.image.v1+json"
    for layer in document["layers"]:
        layer["mediaType"] = f"{_DOCKER}image.rootfs.diff.tar.gzip"
    return registry.add_manifest(name, tag, document["mediaType"], json.dumps(document).encode())


def publish_index(registry: Registry, name: str, tag: str, images: Mapping[str, LayoutImage]) -> Digest:
    """Put an index of images under a tag, by platforms such as `linux/amd64`."""
    manifests = []
    for platform, image in images.items():
        os, _, architecture = platform.partition("/")
        publish(registry, name, f"{tag}-{architecture}", image)
        manifests.append(
            {
                "mediaType": MEDIA_MANIFEST,
                "digest": image.descriptor.digest,
                "size": image.descriptor.size,
                "platform": {"os": os, "architecture": architecture},
            }
        )
    index = {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": manifests}
    return registry.add_manifest(name, tag, MEDIA_INDEX, json.dumps(index).encode())
