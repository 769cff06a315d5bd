"""Documents about an image as OCI artifacts: manifests whose `subject` is the image's (image spec 1.1).

Each document goes in the form that is read by whoever reads it:

- provenance as an in-toto statement in `application/vnd.in-toto+json`, its predicate named by the annotation
  `in-toto.io/predicate-type`: BuildKit's way (moby/buildkit, docs/attestations/attestation-storage.md). The
  list of materials that it names is the artifact's second blob, the same for every release of a lock;
- SPDX as such a statement of the predicate `https://spdx.dev/Document`, BuildKit's form again;
- what `verify` reads of the layers, in a form of Lightship's own (`inspect/attached.py`);
- CycloneDX bare, as `application/vnd.cyclonedx+json` (IANA): what Trivy looks for among the referrers
  (aquasecurity/trivy, pkg/fanal/artifact/image/remote_sbom.go).

BuildKit puts its manifests into an index around the image, and so changes what a tag stands for; a referrer
leaves the image's digest as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from lightship import __version__
from lightship.attest.documents import CYCLONEDX, MEDIA_CYCLONEDX, SPDX, write_sbom
from lightship.attest.provenance import MATERIALS, MEDIA_MATERIALS, provenance, write_materials
from lightship.attest.statement import (
    MEDIA_STATEMENT,
    PREDICATE_TYPE,
    SLSA,
    SPDX_DOCUMENT,
    predicate_of,
    write_statement,
)
from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.origins import Origin, known_origin
from lightship.digest import Digest, of_value
from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.oci.index import Stored
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_MANIFEST, Descriptor, Manifest, encode

PROVENANCE, SCAN = "provenance", "scan"
_EMPTY = "application/vnd.oci.empty.v1+json"  # image spec, manifest.md, "Guidance for an Empty Descriptor"
_TITLE = "org.opencontainers.image.title"  # the name under which `oras pull` writes the file
_RULES = 2
"""Part of every key: raised when documents say something else."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Kinds of documents; those that are `asked` for must be had, others are made where that is possible."""

    kinds: tuple[str, ...]
    asked: bool


class Artifact(msgspec.Struct, frozen=True):
    """A document about the image `subject`: `descriptor` is its manifest's, whose blobs are in the store."""

    kind: str
    subject: Digest
    descriptor: Descriptor


def read_predicate(artifact: Artifact, layout: Layout) -> bytes:
    """Give what a document says, out of the statement that it may be wrapped in.

    Raises:
        IntegrityError: if a blob is missing or damaged.

    """
    layer = layout.image(artifact.descriptor).manifest.layers[0]
    data = layout.read(layer)
    return predicate_of(data) if layer.media_type == MEDIA_STATEMENT else data


@dataclass(frozen=True, slots=True)
class _Form:
    media_type: str
    file: str
    predicate_type: str = ""


_FORMS: Mapping[str, _Form] = {
    PROVENANCE: _Form(MEDIA_STATEMENT, "provenance.intoto.json", SLSA),
    CYCLONEDX: _Form(MEDIA_CYCLONEDX, "sbom.cdx.json"),
    SPDX: _Form(MEDIA_STATEMENT, "sbom.spdx.intoto.json", SPDX_DOCUMENT),
    SCAN: _Form("application/vnd.lightship.scan.v1+zstd", "scan.msgpack.zst"),
}


def make_artifacts(stored: Stored, wanted: Wanted, home: Home, reporter: Reporter) -> tuple[Artifact, ...]:
    """Make the documents that are wanted of an image, or of each of an index, in the home's store.

    What was made before is found again; `lightship cache prune` takes it away.

    Raises:
        UsageError: if provenance is asked for of an image that was not built in this home.
        IntegrityError: if a layer is damaged.

    """
    home.images.create()
    return tuple(
        artifact
        for image in images_of(stored)
        for kind in wanted.kinds
        for artifact in _make(image, kind, home, reporter, asked=wanted.asked)
    )


def referring(layout: Layout, subjects: Iterable[Digest]) -> tuple[Descriptor, ...]:
    """Find in a layout what refers to images: manifests without a name, as `oras` keeps them there.

    Raises:
        IntegrityError: if a document is missing or damaged.

    """
    wanted = set(subjects)
    return tuple(
        item
        for item in layout.index().manifests
        if item.media_type == MEDIA_MANIFEST
        and item.artifact_type
        and (subject := layout.image(item).manifest.subject) is not None
        and subject.digest in wanted
    )


def subjects(stored: Stored) -> tuple[Digest, ...]:
    """Give what documents may be about: an image, or each of an index and the index itself."""
    images = (image.descriptor.digest for image in images_of(stored))
    return tuple(dict.fromkeys((*images, stored.descriptor.digest)))


def images_of(stored: Stored) -> list[LayoutImage]:
    """Give an image, or all of an index."""
    if isinstance(stored, LayoutImage):
        return [stored]
    return [stored.layout.image(offer.descriptor) for offer in stored.offers]


def _make(
    image: LayoutImage, kind: str, home: Home, reporter: Reporter, *, asked: bool
) -> Iterator[Artifact]:
    digest = image.descriptor.digest
    origin = known_origin(digest, home)
    if kind == PROVENANCE and origin is None:
        if asked:
            raise _unknown(digest)
        return
    memo = Memo(home.cache / "attestations")
    key = of_value([_RULES, __version__, kind, digest, of_value(origin), *_version_of(kind)])
    known = memo.get(key, Artifact)
    if known is None or not _is_whole(home.images, known.descriptor):
        if kind == PROVENANCE and origin is not None:
            document, beside = _provenance(origin, image, home.images)
        else:
            document, beside = _document(image, kind, origin, home, reporter), ()
        known = Artifact(kind, digest, _write(home.images, image, kind, document, beside))
        memo.put(key, known)
    yield known


def _version_of(kind: str) -> tuple[str, ...]:
    """Give the version of what has one of its own; a push of provenance alone imports no checks."""
    if kind != SCAN:
        return ()
    from lightship.inspect.attached import RULES

    return (RULES,)


def _unknown(image: Digest) -> UsageError:
    return UsageError(
        "it is not known here how the image was built, so there is no provenance",
        where=image,
        hint="push it from where `lightship build` made it, or leave out --attest provenance",
    )


def _is_whole(layout: Layout, descriptor: Descriptor) -> bool:
    if not layout.has(descriptor.digest, descriptor.size):
        return False
    manifest = layout.image(descriptor).manifest
    return all(layout.has(blob.digest, blob.size) for blob in (*manifest.layers, manifest.config))


def _write(
    layout: Layout, image: LayoutImage, kind: str, document: bytes, beside: tuple[Descriptor, ...]
) -> Descriptor:
    form = _FORMS[kind]
    said = {PREDICATE_TYPE: form.predicate_type} if form.predicate_type else {}
    layer = layout.write(form.media_type, document)
    layer = msgspec.structs.replace(layer, annotations={**said, _TITLE: form.file})
    return write_artifact(layout, image, (layer, *beside), said)


def write_artifact(
    layout: Layout, image: LayoutImage, layers: tuple[Descriptor, ...], annotations: Mapping[str, str]
) -> Descriptor:
    """Store the manifest of a document about an image, and give its descriptor as an index lists it.

    The first of `layers` is the document, others what it names.
    """
    manifest = Manifest(
        schema_version=2,
        media_type=MEDIA_MANIFEST,
        artifact_type=layers[0].media_type,
        config=layout.write(_EMPTY, b"{}"),
        layers=layers,
        annotations={**annotations},
        subject=Descriptor(MEDIA_MANIFEST, image.descriptor.digest, image.descriptor.size),
    )
    stored = layout.write(MEDIA_MANIFEST, encode(manifest))
    return msgspec.structs.replace(
        stored, artifact_type=manifest.artifact_type, annotations=manifest.annotations
    )


def _provenance(origin: Origin, image: LayoutImage, layout: Layout) -> tuple[bytes, tuple[Descriptor, ...]]:
    materials = write_materials(origin)
    listed = layout.write(MEDIA_MATERIALS, materials)
    listed = msgspec.structs.replace(listed, annotations={_TITLE: MATERIALS})
    predicate = provenance(origin, materials)
    return write_statement(image.descriptor.digest, origin.name, SLSA, predicate), (listed,)


def _document(image: LayoutImage, kind: str, origin: Origin | None, home: Home, reporter: Reporter) -> bytes:
    if kind == SCAN:
        from lightship.attest.scan import is_told
        from lightship.inspect.attached import make_scan
        from lightship.inspect.telling import tells_packages

        def wanted(path: str) -> bool:
            return tells_packages(path) or is_told(path)

        return make_scan(image, cache=home.cache, reporter=reporter, wanted=wanted)
    from lightship.attest.inventory import read_inventory

    inventory = read_inventory(image, origin, cache=home.cache, reporter=reporter)
    sbom = write_sbom(inventory, kind)
    if kind != SPDX:
        return sbom
    return write_statement(image.descriptor.digest, inventory.name, SPDX_DOCUMENT, sbom)
