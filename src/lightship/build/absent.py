"""Images of the store whose layers lie in registries: a build took them from there without fetching them.

The name in the store says where they are, in an annotation of its own: nothing else has to be kept, and the
image's documents are the same bytes as anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lightship.build.machine import Machine
from lightship.oci.index import Stored, all_blobs
from lightship.oci.model import Descriptor
from lightship.reference import parse_reference
from lightship.registry.address import Repository, locate

if TYPE_CHECKING:
    from lightship.registry.elsewhere import Elsewhere

_LAYERS_IN = "io.lightship.layers-in"


def with_places(descriptor: Descriptor, places: Iterable[Repository]) -> Descriptor:
    """Note in a name's descriptor where layers are that the store lacks."""
    known = " ".join(dict.fromkeys(str(place) for place in places))
    kept = {key: value for key, value in descriptor.annotations.items() if key != _LAYERS_IN}
    return replace(descriptor, annotations={**kept, **({_LAYERS_IN: known} if known else {})})


def places_of(descriptor: Descriptor) -> tuple[Repository, ...]:
    """Read what `with_places` noted."""
    known = descriptor.annotations.get(_LAYERS_IN, "").split()
    return tuple(locate(parse_reference(name)) for name in known)


def elsewhere_of(image: Stored, places: Sequence[Repository]) -> Elsewhere:
    """Say of each blob that the store lacks where it may be."""
    if not places:
        return {}
    blobs = all_blobs(image.layout, image.descriptor)
    return {blob.digest: places for blob in blobs if not image.layout.has(blob.digest, blob.size)}


def bring(image: Stored, places: Sequence[Repository], machine: Machine) -> None:
    """Fetch the layers of an image that the store lacks.

    Raises:
        LostBlobError: if none of the places has one, as its digest says.
        StageError: the store cannot be written.

    """
    elsewhere = elsewhere_of(image, places)
    if not elsewhere:
        return
    from lightship.registry.elsewhere import fetch_absent

    missing = (blob for blob in all_blobs(image.layout, image.descriptor) if blob.digest in elsewhere)
    fetch_absent(machine.registries(), image.layout, missing, elsewhere, machine.reporter)
