"""What a prediction says."""

from __future__ import annotations

import msgspec

PREDICTED, MEASURED = "predicted", "measured"


def basis_words(basis: str, without: tuple[str, ...]) -> str:
    """Write a basis as it stands beside a figure, with what the figure leaves out."""
    return f"{basis}, without {', '.join(without)}" if without else basis


class LayerSize(msgspec.Struct, frozen=True):
    """A layer's bytes; layers of one `identity` are the same bytes. `basis` is `predicted` or `measured`."""

    title: str
    identity: str
    unpacked: int
    compressed: int
    basis: str = PREDICTED


class Prediction(msgspec.Struct, frozen=True):
    """An image that may not be built yet, by layers; `without` names what of it is not counted."""

    name: str
    platform: str
    layers: tuple[LayerSize, ...]
    notes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def basis(self) -> str:
        return (
            MEASURED
            if all(layer.basis == MEASURED for layer in self.layers) and not self.notes
            else PREDICTED
        )

    @property
    def unpacked(self) -> int:
        return sum(layer.unpacked for layer in self.layers)

    @property
    def compressed(self) -> int:
        return sum(layer.compressed for layer in self.layers)
