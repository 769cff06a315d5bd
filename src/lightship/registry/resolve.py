"""What a reference names now, and what a digest names: documents stay in a layout, and are fetched once.

Docker Hub counts how often manifests are fetched, and not how often somebody asks for a tag's digest
(https://docs.docker.com/docker-hub/usage/pulls/), so that is asked first.
"""

from __future__ import annotations

from collections.abc import Callable

from lightship.digest import Digest, of_bytes
from lightship.oci.layout import Layout
from lightship.oci.model import MEDIA_INDEX, MEDIA_MANIFEST
from lightship.platform import Platform
from lightship.registry.address import Repository
from lightship.registry.documents import Document, read_document
from lightship.registry.manifests import get_manifest, head_manifest
from lightship.registry.remote import RemoteImage, check_platform, choose
from lightship.registry.wire import Wire

Connect = Callable[[], Wire]


def resolve(
    connect: Connect, repository: Repository, target: str, store: Layout, platform: Platform
) -> RemoteImage:
    """Find the image for a platform that a tag or a digest names; its configuration is kept, too.

    Raises:
        NetworkError: it is not there, or may not be read.
        IntegrityError: a digest is not what it must be.
        UsageError: it is no image, or not one for the platform.

    """
    where = f"{repository}{'@' if ':' in target else ':'}{target}"
    digest = target if ":" in target else head_manifest(connect(), repository, target)
    document = _document(connect, repository, digest or target, store)
    if document.is_index:
        document = _document(connect, repository, choose(document, platform, where=where).digest, store)
    image = RemoteImage(connect, repository, document, store)
    keep(image)
    check_platform(image, platform, where=where)
    return image


def at_digest(connect: Connect, repository: Repository, digest: Digest, store: Layout) -> RemoteImage:
    """Open the image whose manifest has a digest; the registry is asked only for what `store` has not.

    Raises:
        NetworkError: it is not there, or may not be read.
        IntegrityError: the registry sent another one.
        UsageError: it is no image.

    """
    return RemoteImage(connect, repository, _document(connect, repository, digest, store), store)


def keep(image: RemoteImage) -> None:
    """Keep an image's manifest, as the registry has it, and its configuration.

    Raises:
        NetworkError: the configuration cannot be read.
        IntegrityError: the configuration is not what its digest says.

    """
    config = image.manifest.config
    image.store.write(image.document.descriptor.media_type, image.document.data)
    image.store.write(config.media_type, image.config_data)


def _document(connect: Connect, repository: Repository, target: str, store: Layout) -> Document:
    """Read a document from the layout, or else from the registry, and then keep it."""
    kept = kept_document(store, Digest(target)) if ":" in target else None
    if kept is not None:
        return kept
    document = get_manifest(connect(), repository, target)
    store.write(document.descriptor.media_type, document.data)
    return document


def kept_document(store: Layout, digest: Digest) -> Document | None:
    """Give a manifest or an index that a layout has; None where it has none, or a damaged one."""
    try:
        data = store.blob_path(digest).read_bytes()
    except OSError:
        return None
    if of_bytes(data) != digest:
        return None
    # A document of OCI's need not say what it is (image spec, manifest.md); Docker's always do.
    unsaid = MEDIA_INDEX if b'"manifests"' in data else MEDIA_MANIFEST
    return read_document(data, unsaid, where=str(store.blob_path(digest)))
