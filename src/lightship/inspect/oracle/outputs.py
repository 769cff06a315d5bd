"""What stages and images hand on: measured where it lies on this machine, else not counted, and named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lightship.build.machine import Machine
from lightship.build.staging import kept_output
from lightship.digest import Digest
from lightship.plan.model import LayerPlan
from lightship.plan.stages import ImageOrigin, StageLayer
from lightship.project.detect import Project

Roots = dict[Digest, Path]
"""Where outputs lie, by the digests of their origins."""


def find_outputs(project: Project, layers: Iterable[LayerPlan], machine: Machine) -> Roots:
    """Find what layers take from stages that ran here before, and from images that were unpacked here."""
    origins = {layer.origin for layer in layers if isinstance(layer, StageLayer)}
    found = ((origin.digest, kept_output(project, origin, machine)) for origin in origins)
    return {digest: root for digest, root in found if root is not None}


def not_found(layers: Iterable[LayerPlan], roots: Roots) -> list[StageLayer]:
    """Give the layers whose outputs are not here."""
    return [layer for layer in layers if isinstance(layer, StageLayer) and layer.origin.digest not in roots]


def age(layer: LayerPlan, roots: Roots) -> int:
    """Tell outputs of a stage that ran again from earlier ones: commands need not write the same twice."""
    return roots[layer.origin.digest].stat().st_mtime_ns if isinstance(layer, StageLayer) else 0


def explain(layer: StageLayer) -> str:
    """Say why outputs are not counted."""
    places = ", ".join(place for _, place in layer.copies)
    if isinstance(layer.origin, ImageOrigin):
        return f"{places} of {layer.origin.words} is not counted: the image is not unpacked here"
    return f"{places} of {layer.origin.words} is not counted: it is known once the stage ran here"
