"""Documents about an image, where the image goes: to a registry, or to a layout."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.attest.artifacts import (
    SCAN,
    Artifact,
    Wanted,
    images_of,
    make_artifacts,
    read_predicate,
    referring,
    subjects,
    write_artifact,
)
from lightship.attest.signing import Document, Signer
from lightship.attest.statement import SLSA
from lightship.build.machine import Machine
from lightship.build.output import copy_blobs
from lightship.build.remote import push_referrers
from lightship.errors import NetworkError
from lightship.oci.index import Stored
from lightship.oci.layout import Layout
from lightship.reference import parse_reference
from lightship.registry.address import locate

if TYPE_CHECKING:
    from lightship.registry.wire import Wire

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_BUNDLED = {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": SLSA}
"""How GitHub's actions/attest and cosign 3 store sigstore's bundles beside an image."""


def push_artifacts(
    stored: Stored, name: str, wanted: Wanted, machine: Machine, wire: Wire
) -> tuple[Artifact, ...]:
    """Push what is wanted of an image after it, and what its layout says of it besides.

    Nobody's image stays behind for a document that nobody asked for: then a registry that does not take it
    is a warning.

    Raises:
        UsageError: if provenance is asked for that cannot be had.
        NetworkError: unreachable, not allowed, or failed again and again.
        IntegrityError: a blob is missing or damaged, or the registry stored something else.

    """
    store = machine.home.images
    artifacts = make_artifacts(stored, wanted, machine.home, machine.reporter)
    own = {artifact.descriptor.digest for artifact in artifacts}
    carried = [item for item in referring(stored.layout, subjects(stored)) if item.digest not in own]
    try:
        push_referrers(stored.layout, carried, name, machine, wire)
        push_referrers(store, (artifact.descriptor for artifact in artifacts), name, machine, wire)
    except NetworkError as error:
        if wanted.asked or carried:
            raise
        machine.reporter.warn(f"the image is pushed, its provenance is not: {error.message}. {error.hint}")
        return ()
    return artifacts


def add_to_layout(artifacts: Iterable[Artifact], source: Layout, path: Path) -> None:
    """Put documents beside an image that was written to a layout, as manifests without a name.

    Raises:
        IntegrityError: a blob is missing or damaged.
        StageError: the layout cannot be written.

    """
    target, descriptors = Layout(path), [artifact.descriptor for artifact in artifacts]
    for descriptor in descriptors:
        copy_blobs(source, target, descriptor)
    target.refer(descriptors)


def sign_pushed(
    stored: Stored, name: str, artifacts: Iterable[Artifact], signer: Signer, machine: Machine, wire: Wire
) -> str:
    """Sign an image that was pushed as `name`, and what is said of it; gives the name of who signed.

    Raises:
        UsageError: the signer cannot sign that.
        SigningError: it failed.
        NetworkError: its signature cannot be pushed.

    """
    store = machine.home.images
    images = {image.descriptor.digest: image for image in images_of(stored)}
    documents = [
        Document(
            artifact.kind,
            artifact.subject,
            read_predicate(artifact, store),
            stored.layout.read(images[artifact.subject].descriptor),
        )
        for artifact in artifacts
        if artifact.kind != SCAN  # no statement: the image's own signature names the digest that it is about
    ]
    repository = locate(parse_reference(name))
    signed = signer.sign(str(repository), stored.descriptor.digest, documents)
    bundles = [
        write_artifact(store, images[document.image], (store.write(BUNDLE, bundle),), _BUNDLED)
        for document, bundle in signed.bundles
    ]
    push_referrers(store, bundles, name, machine, wire)
    return signed.by
