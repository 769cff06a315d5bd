"""What is copied into stages and images, and from where."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lightship.dockerfile.emit.bases import CONTEXT
from lightship.dockerfile.emit.model import Copy
from lightship.plan.model import Plan
from lightship.project.config import Config, StageConfig
from lightship.project.detect import is_suite
from lightship.project.stages import copied_stages, final_place, takes

LAYOUT = "oci:"
STAGE = "stage-"
"""Configured stages have names of this form, which none of ours has."""


@dataclass(frozen=True, slots=True)
class Origins:
    """How the Dockerfile calls what is copied from; `layouts` are names of contexts, by `oci:…`."""

    stages: Mapping[str, StageConfig]
    layouts: Mapping[str, str]

    @classmethod
    def of(cls, config: Config) -> Origins:
        images = {stage.image for stage in config.stages.values()}
        images |= {take.source for stage in config.stages.values() for take in takes(stage) if take.is_image}
        layouts = sorted(image for image in images if image.startswith(LAYOUT))
        return cls(config.stages, {image: _context(image) for image in layouts})

    def name(self, source: str) -> str:
        """Name a stage or an image, as `COPY --from` has it."""
        stage = self.stages.get(source)
        image = stage.image if stage else source
        return self.layouts.get(image, image) if image else f"{STAGE}{source}"

    def contexts(self, plan: Plan) -> dict[str, str]:
        """Give the build contexts beside the project, by name; layouts are seen from the project's folder."""
        base = plan.base.reference if plan.base else ""
        named = {context: _layout(image) for image, context in self.layouts.items()}
        return {**({CONTEXT: _layout(base)} if base and not is_suite(base) else {}), **named}


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
