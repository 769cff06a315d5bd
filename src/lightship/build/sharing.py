"""Layers that others have made: what a build is told of them, and where their blobs are.

This is the seam between building and the layer cache. What is behind it is slow to import, and is asked only
for layers that are not on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct, field

from lightship.digest import Digest
from lightship.errors import LightshipError, LostBlobError
from lightship.oci.layout import Layout
from lightship.oci.record import LayerRecord
from lightship.registry.address import Repository

Result = TypeVar("Result")
Pins = Mapping[Digest, LayerRecord]
"""Layers that a lock records, by their keys."""


class Hit(Struct, frozen=True):
    """A layer that a cache has; `proven` tells whether its libraries were loaded after they were stripped."""

    record: LayerRecord
    place: Repository
    proven: bool = False


class Found(Struct, frozen=True):
    """What caches have of the layers that were asked for, by key.

    `notes` and `trimmed`, bytes left out, are of the group; None where no cache could tell.
    """

    layers: Mapping[Digest, Hit] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    trimmed: int | None = None


class SharedLayers(Protocol):
    """Caches, as one build sees them."""

    def find(self, wanted: Collection[Digest], group: Sequence[Digest], pins: Pins) -> Found:
        """Look layers up by their keys; what fails is a warning, and counts as nothing found.

        Args:
            wanted: the keys of layers that are not here.
            group: the keys of all of the image's layers that come from packages, in their order.
            pins: what layers must be, where that is known.

        """

    def proven(self, key: Digest) -> bool:
        """Tell whether a proof of this key succeeded somewhere."""

    def bring(self, layout: Layout, hits: Sequence[Hit]) -> None:
        """Fetch the layers that a layout lacks.

        Raises:
            LostBlobError: if one is not where it was found, or is not what it was said to be.

        """

    def give_up(self, error: LightshipError) -> None:
        """Use no cache any more: what was found is not what it was said to be."""


class NoCaches:
    """Nobody else's layers."""

    def find(self, wanted: Collection[Digest], group: Sequence[Digest], pins: Pins) -> Found:  # noqa: ARG002
        return Found()

    def proven(self, key: Digest) -> bool:  # noqa: ARG002
        return False

    def bring(self, layout: Layout, hits: Sequence[Hit]) -> None:
        pass

    def give_up(self, error: LightshipError) -> None:
        raise error


def building(shared: SharedLayers, attempt: Callable[[], Result]) -> Result:
    """Carry a build out; again without the caches where what they have turns out to be lost or damaged."""
    try:
        return attempt()
    except LostBlobError as error:
        shared.give_up(error)
        return attempt()
