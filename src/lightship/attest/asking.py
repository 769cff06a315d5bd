"""A bill of materials of an image, with least effort: one that is attached, or written from what is known.

Of an image in a registry whose layers are not known here, a document in the form that is asked for may be
attached; who made it may have known the archives' digests, too. Else a scan or the layers' tables of contents
say what the layers hold, and only where there is nothing of all that the layers are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lightship.attest.documents import CYCLONEDX, MEDIA_CYCLONEDX, write_sbom
from lightship.attest.inventory import inventory_of, read_inventory
from lightship.attest.model import Inventory
from lightship.attest.scan import are_known, documents_seen, is_told
from lightship.attest.statement import MEDIA_STATEMENT, PREDICATE_TYPE, SPDX_DOCUMENT, predicate_about
from lightship.attest.summary import Summary, read_summary, summarise
from lightship.build.origins import Origin
from lightship.errors import IntegrityError, NetworkError, UsageError
from lightship.events import Reporter
from lightship.inspect.findings import Basis
from lightship.inspect.seeing import look_cheaply
from lightship.oci.model import Image
from lightship.registry.attachments import attachments
from lightship.registry.remote import RemoteImage

_LARGEST = 64 << 20
"""Bytes of a document above which it is not fetched."""
_SPDX = {PREDICATE_TYPE: SPDX_DOCUMENT}


@dataclass(frozen=True, slots=True)
class Bill:
    """A document, what it lists, and what it was made from."""

    document: bytes
    summary: Summary
    basis: Basis


def ask_bill(
    image: Image, form: str, origin: Origin | None, *, cache: Path, reporter: Reporter, full: bool = False
) -> Bill:
    """Get an image's bill of materials as CycloneDX or SPDX; with `full` from its layers, whatever is told.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        NetworkError: a layer of a registry cannot be fetched.

    """
    if not full and isinstance(image, RemoteImage) and not are_known(image, cache=cache):
        if (attached := _attached(image, form, reporter)) is not None:
            return attached
        known = look_cheaply(
            image,
            lambda seen: _written(inventory_of(image, origin, documents_seen(seen)), form, seen.basis),
            cache=cache,
            reporter=reporter,
            wanted=is_told,
        )
        if known is not None:
            return known
    return _written(read_inventory(image, origin, cache=cache, reporter=reporter), form, Basis.LAYERS)


def _written(inventory: Inventory, form: str, basis: Basis) -> Bill:
    return Bill(write_sbom(inventory, form), summarise(inventory), basis)


def _attached(image: RemoteImage, form: str, reporter: Reporter) -> Bill | None:
    """Find a document of the form among what refers to the image; why one is not used is told."""
    media_type, said = (MEDIA_CYCLONEDX, {}) if form == CYCLONEDX else (MEDIA_STATEMENT, _SPDX)
    try:
        for data in attachments(image, media_type, _LARGEST, said):
            document = data if form == CYCLONEDX else predicate_about(image.descriptor.digest, data)
            return Bill(document, read_summary(document, form), Basis.ATTACHED)
    except (IntegrityError, NetworkError, UsageError) as error:
        reporter.warn(f"no bill of materials that is attached to the image is used: {error}")
    return None
