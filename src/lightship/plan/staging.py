"""From configured stages and a lock to planned ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from lightship.digest import Digest, parse_digest
from lightship.errors import UsageError
from lightship.plan.model import FilesLayer, LayerPlan, Plan, ToolsLayer, WheelsLayer
from lightship.plan.stages import ImageOrigin, Origin, StageLayer, StagePlan, Taken
from lightship.project.config import StageConfig
from lightship.project.sources import SourceFile
from lightship.project.stages import copied_stages, final_place, stages_of, takes
from lightship.wheels.model import LockedStage, LockedWheel

if TYPE_CHECKING:
    from lightship.project.config import Config


class StageSources(Struct, frozen=True):
    """What stages are made from: what is locked of each, its input files, and the builder's root."""

    locked: Mapping[str, LockedStage]
    inputs: Mapping[str, tuple[SourceFile, ...]]
    root: Digest
    python: str


def with_stages(plan: Plan, config: Config, sources: StageSources) -> Plan:
    """Add the stages of a plan's variant, and the layers of what they hand to the image.

    Raises:
        UsageError: if the lock lacks a stage, or a stage and the project write the same file.

    """
    origins: dict[str, Origin] = {}
    stages: list[StagePlan] = []
    for name, stage in stages_of(config, plan.variant).items():
        if stage.image:
            origins[name] = _image(stage.image, name, sources)
        else:
            stages.append(_plan(name, stage, origins, sources))
            origins[name] = stages[-1].origin
    made = [
        StageLayer(name, origins[name], tuple(sorted(stage.copy.items())))
        for name, stage in copied_stages(config, plan.variant).items()
    ]
    _check_files(made, plan)
    own = frozenset(plan.additions.wheels if plan.additions else ())
    first = next(at for at, layer in enumerate(plan.layers) if _is_above(layer, own))
    layers = (*plan.layers[:first], *made, *plan.layers[first:])
    return msgspec.structs.replace(plan, layers=layers, stages=tuple(stages))


def _is_above(layer: LayerPlan, own: frozenset[LockedWheel]) -> bool:
    """Tell files, and what only a target has, its `own` wheels among it, from production's packages."""
    return isinstance(layer, FilesLayer | ToolsLayer) or (
        isinstance(layer, WheelsLayer) and not own.isdisjoint(layer.wheels)
    )


def _plan(name: str, stage: StageConfig, origins: Mapping[str, Origin], sources: StageSources) -> StagePlan:
    taken = tuple(
        Taken(
            _image(take.source, name, sources) if take.is_image else origins[take.source],
            take.path,
            take.place,
        )
        for take in takes(stage)
    )
    wheels = _locked(name, sources).wheels
    return StagePlan(name, sources.root, sources.python, stage.run, wheels, sources.inputs[name], taken)


def _image(image: str, stage: str, sources: StageSources) -> ImageOrigin:
    digest = _locked(stage, sources).images.get(image)
    if digest is None:
        raise _unlocked(stage)
    return ImageOrigin(image, parse_digest(digest))


def _locked(stage: str, sources: StageSources) -> LockedStage:
    if stage not in sources.locked:
        raise _unlocked(stage)
    return sources.locked[stage]


def _unlocked(stage: str) -> UsageError:
    return UsageError("the lock does not say what the stage is made from", where=stage, hint=_LOCK)


def _check_files(made: list[StageLayer], plan: Plan) -> None:
    """Layers of files lie above those of stages: what both write would be lost unseen."""
    files = {
        f"{layer.workdir.rstrip('/')}/{file.path}"
        for layer in plan.layers
        if isinstance(layer, FilesLayer)
        for file in layer.files
    }
    for layer in made:
        for place in (final_place(path, place) for path, place in layer.copies):
            if place in files:
                raise UsageError(
                    f"stage {layer.stage!r} and the project's own files both write {place}",
                    where=layer.stage,
                    hint="copy it elsewhere, or leave the file out in .dockerignore",
                )


_LOCK = "run `lightship lock`"
