"""What is copied into stages and images, and from where."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lightship.digest import Digest
from lightship.dockerfile.emit.bases import CONTEXT, LAYOUT, pinned_name
from lightship.dockerfile.emit.model import Copy
from lightship.plan.model import Plan
from lightship.plan.stages import ImageOrigin, StageLayer
from lightship.project.config import Config, StageConfig
from lightship.project.stages import copied_stages, final_place, takes

STAGE = "stage-"
"""Configured stages have names of this form, which none of ours has."""


@dataclass(frozen=True, slots=True)
class Origins:
    """How the Dockerfile calls what is copied from.

    `layouts` are names of contexts, by `oci:…`; `pinned` names of other images with their digests, by those
    without.
    """

    stages: Mapping[str, StageConfig]
    layouts: Mapping[str, str]
    pinned: Mapping[str, str]

    @classmethod
    def of(cls, config: Config, plans: Iterable[Plan] = ()) -> Origins:
        """Name what a configuration takes from; images of registries as all of the plans pin them."""
        images = {stage.image for stage in config.stages.values()}
        images |= {take.source for stage in config.stages.values() for take in takes(stage) if take.is_image}
        layouts = sorted(image for image in images if image.startswith(LAYOUT))
        digests: dict[str, set[Digest]] = {}
        for origin in image_origins(plans):
            digests.setdefault(origin.name, set()).add(origin.digest)
        pinned = {name: pinned_name(name, found) for name, found in digests.items() if name not in layouts}
        return cls(config.stages, {image: _context(image) for image in layouts}, pinned)

    def name(self, source: str) -> str:
        """Name a stage or an image, as `COPY --from` has it."""
        stage = self.stages.get(source)
        image = stage.image if stage else source
        known = {**self.pinned, **self.layouts}
        return known.get(image, image) if image else f"{STAGE}{source}"

    def contexts(self, plan: Plan) -> dict[str, str]:
        """Give the build contexts beside the project, by name; layouts are seen from the project's folder."""
        base = plan.base.reference if plan.base else ""
        named = {context: _layout(image) for image, context in self.layouts.items()}
        return {**({CONTEXT: _layout(base)} if base.startswith(LAYOUT) else {}), **named}


def image_origins(plans: Iterable[Plan]) -> Iterator[ImageOrigin]:
    """Yield the images that plans, and their stages, copy from."""
    for plan in plans:
        layers = (layer.origin for layer in plan.layers if isinstance(layer, StageLayer))
        taken = (take.origin for stage in plan.stages for take in stage.takes)
        yield from (origin for origin in (*layers, *taken) if isinstance(origin, ImageOrigin))


def context_copies(paths: Iterable[str], files: Collection[str], workdir: str) -> tuple[Copy, ...]:
    """Copy paths of the project to the same places below a folder; `files` tell which of them are folders."""
    return tuple(_merged(_in_place(path, files, workdir) for path in paths))


def output_copies(config: Config, variant: str, origins: Origins) -> tuple[Copy, ...]:
    """Copy what named stages hand to a variant's image."""
    return tuple(
        Copy((path,), final_place(path, place), origins.name(name))
        for name, stage in copied_stages(config, variant).items()
        for path, place in sorted(stage.copy.items())
    )


def stage_copies(stage: StageConfig, files: Collection[str], origins: Origins) -> tuple[Copy, ...]:
    """Copy what a stage sees: its inputs, of which `files` are there, and what it takes from others."""
    inputs = context_copies(stage.inputs, files, ".")
    taken = (Copy((take.path,), take.place, origins.name(take.source)) for take in takes(stage))
    return (*inputs, *taken)


def _merged(copies: Iterable[Copy]) -> Iterator[Copy]:
    """Let single files that go to one folder share an instruction."""
    places: dict[str, list[str]] = {}
    for copy in copies:
        key = copy.place if not copy.sources[0].endswith("/") else f"{copy.sources[0]}:{copy.place}"
        places.setdefault(key, []).extend(copy.sources)
    yield from (Copy(tuple(sources), place.rpartition(":")[2]) for place, sources in places.items())


def _in_place(path: str, files: Collection[str], folder: str) -> Copy:
    """Copy a folder to one of its own name, a file into its folder."""
    clean = posixpath.normpath(path)
    is_folder = clean == "." or any(file.startswith(f"{clean}/") for file in files)
    place = posixpath.join(folder, clean if is_folder else posixpath.dirname(clean))
    source = f"{clean}/" if is_folder else clean
    return Copy((source,), f"{posixpath.normpath(place)}/")


def _context(image: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", image.removeprefix(LAYOUT).lower()).strip("-")


def _layout(image: str) -> str:
    return f"oci-layout://{image.removeprefix(LAYOUT)}"
