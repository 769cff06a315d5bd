"""What a lock says of named stages: the wheels they install, and the images they take from."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lightship.build.bases import Base, Bases
from lightship.build.builders import select_wheels
from lightship.build.images import find_source, is_layout
from lightship.build.machine import Machine
from lightship.build.requesting import python_request
from lightship.digest import parse_digest
from lightship.errors import IntegrityError, ResolutionError
from lightship.platform import Platform
from lightship.project.config import StageConfig
from lightship.project.detect import Project
from lightship.project.stages import stages_of, takes
from lightship.wheels import toml
from lightship.wheels.lock import find_lock, lock_path
from lightship.wheels.model import LockedStage, LockedWheel
from lightship.wheels.request import ResolveRequest

Stages = Mapping[str, LockedStage]


def stage_request(project: Project, variant: str, stage: StageConfig, platform: Platform) -> ResolveRequest:
    """Put a stage's requirements as a question to the resolver."""
    request = python_request(project, variant, platform)
    requirements = tuple(Path(name) for name in stage.requirements)
    return replace(
        request, requirements=requirements, pyproject=None, extras=(), torch=stage.torch, lock=None
    )


def stage_images(stage: StageConfig) -> list[str]:
    """Name the images that a stage is, or takes from."""
    taken = (take.source for take in takes(stage) if take.is_image)
    return sorted({*taken, *filter(None, [stage.image])})


def lock_stages(
    project: Project,
    variant: str,
    bases: Bases,
    machine: Machine,
    *,
    upgrade: bool,
) -> dict[Platform, Stages]:
    """Resolve the stages that a variant needs, for every platform; what was locked stays where it can.

    Raises:
        ResolutionError: a requirement that cannot be had as a wheel; stages build no sources.
        UsageError: an image that is not there, or is of another platform.

    """
    stages = stages_of(project.config, variant)
    lock = None if upgrade or not stages else find_lock(lock_path(project.folder, variant))
    before = lock.stages if lock else {}
    found: dict[Platform, Stages] = {}
    for platform, base in bases.items() if stages else ():
        locking = _Locking(project, variant, base, machine)
        old = before.get(platform, {})
        found[platform] = {
            name: locking.lock(name, stage, old.get(name, LockedStage())) for name, stage in stages.items()
        }
    return found


@dataclass(frozen=True, slots=True)
class _Locking:
    """Locks stages for one platform."""

    project: Project
    variant: str
    base: Base
    machine: Machine

    def lock(self, name: str, stage: StageConfig, old: LockedStage) -> LockedStage:
        wheels = self._wheels(name, stage, old) if stage.requirements else ()
        return LockedStage(wheels, {image: self._image(image, old) for image in stage_images(stage)})

    def _image(self, name: str, old: LockedStage) -> str:
        source = find_source(name, self.project.folder, self.machine)
        pinned = old.images.get(name, "")
        if pinned and not is_layout(name):
            return pinned
        if pinned:
            with suppress(IntegrityError):
                return source.pinned(parse_digest(pinned)).descriptor.digest
        return source.find(self.base.platform).descriptor.digest

    def _wheels(self, name: str, stage: StageConfig, old: LockedStage) -> tuple[LockedWheel, ...]:
        request = stage_request(self.project, self.variant, stage, self.base.platform)
        request = replace(request, glibc=self.base.glibc, offline=self.machine.offline)
        with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
            if old.wheels:
                preferred = Path(scratch, "pylock.toml")
                preferred.write_text(_preferences(old.wheels), "utf-8")
                request = replace(request, lock=preferred)
            try:
                return select_wheels(request, self.base.python_full, self.machine, self.machine.reporter)
            except ResolutionError as error:
                raise ResolutionError(
                    f"stage {name!r}: {error.message}",
                    where=error.where,
                    hint=error.hint,
                    detail=error.detail,
                ) from error


def _preferences(wheels: Iterable[LockedWheel]) -> str:
    """Write the least lock (PEP 751) from which uv takes versions."""
    packages = [
        {
            "name": wheel.name,
            "version": wheel.version,
            "wheels": [{"name": wheel.filename, "url": wheel.url, "hashes": {"sha256": wheel.sha256}}],
        }
        for wheel in wheels
    ]
    return toml.document({"lock-version": "1.0", "created-by": "lightship", "packages": packages})
