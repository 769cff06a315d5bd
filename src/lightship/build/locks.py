"""Locks as they lie in a project: what they were made from, and whether that is what is asked for now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.baseimage import watched_digests
from lightship.build.cache import Memo
from lightship.build.inputs import target_inputs
from lightship.build.machine import Machine
from lightship.digest import Digest, of_bytes, of_value
from lightship.errors import CheckError, UsageError
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.inputs import fingerprint
from lightship.project.stages import stages_of
from lightship.project.targets import find_target

if TYPE_CHECKING:
    from lightship.platform import Platform
    from lightship.wheels.layers import LockedLayer
    from lightship.wheels.lock import Lock


def lock_file(project: Project, variant: str) -> Path:
    project.variant(variant)
    return project.folder / f"pylock.{variant}.toml"


def inputs_of(project: Project, variant: str, machine: Machine) -> Digest:
    """Digest of what a lock depends on; that requirement files only changed a comment does not count."""
    config = project.config
    cheap = fingerprint(project.folder, config, project.variant(variant), stages_of(config, variant))
    pins = list(watched_digests(project, machine).values())
    if pins:
        cheap = of_value([cheap, pins])
    memo = Memo(machine.home.cache / "inputs")
    return Digest(memo.get_or_make(cheap, str, lambda: _semantic_inputs(project, variant, pins)))


def is_current(project: Project, variant: str, machine: Machine, target: str = PRODUCTION) -> bool:
    """Tell whether a lock is there and was made from what the project asks for now."""
    path = lock_file(project, variant)
    wanted = find_target(project, target)
    if not path.is_file():
        return False
    recorded = recorded_inputs(path, machine)
    if recorded.get(PRODUCTION) != inputs_of(project, variant, machine):
        return False
    return wanted.is_production or recorded.get(target) == target_inputs(project, wanted, machine)


def require_current(project: Project, variant: str, machine: Machine, target: str = PRODUCTION) -> None:
    """Insist on a current lock.

    Raises:
        CheckError: if the lock is missing or stale.

    """
    if not is_current(project, variant, machine, target):
        path = lock_file(project, variant)
        state = "is stale" if path.is_file() else "is missing"
        if is_current(project, variant, machine):
            state = f"is stale for the target {target}"
        option = "" if target == PRODUCTION else f" --target {target}"
        raise CheckError(
            f"the lock {state}", where=str(path), hint=f"run `lightship lock{option}` and commit the file"
        )


def recorded_inputs(path: Path, machine: Machine) -> dict[str, str]:
    """Read what each target of a lock was made from, `production` first."""
    data = path.read_bytes()
    memo = Memo(machine.home.cache / "recorded")
    return memo.get_or_make(of_bytes(data), dict[str, str], lambda: _parse_inputs(data, path))


def read_text(data: bytes, path: Path) -> str:
    """Decode what the lock at `path` holds.

    Raises:
        UsageError: if it is not UTF-8.

    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError("the lock is not UTF-8", where=str(path), hint="run `lightship lock`") from error


def parse_text(text: str, path: Path) -> Lock:
    """Read the text of the lock at `path`.

    Raises:
        UsageError: if it is no lock of this version.

    """
    from lightship.wheels.lock import parse_lock

    return parse_lock(text, where=str(path))


def recorded_layers(path: Path) -> Mapping[Platform, tuple[LockedLayer, ...]]:
    """Read which layers a lock records; one that is missing or damaged records none."""
    try:
        return parse_text(read_text(path.read_bytes(), path), path).layers
    except (OSError, UsageError):
        return {}


def _parse_inputs(data: bytes, path: Path) -> dict[str, str]:
    lock = parse_text(read_text(data, path), path)
    return {PRODUCTION: lock.inputs, **{name: target.inputs for name, target in lock.targets.items()}}


def _semantic_inputs(project: Project, variant: str, pins: Sequence[str]) -> str:
    from lightship.build.requesting import python_request
    from lightship.wheels.request import request_inputs

    asked = request_inputs(python_request(project, variant, project.platforms[0]))
    platforms = [str(platform) for platform in project.platforms]
    config = project.config
    packages = [sorted(config.runtime_packages), sorted(config.build_packages)]
    stages = _stage_inputs(project, variant)
    more = [*([stages] if stages else []), *pins]
    return of_value([asked, platforms, config.base, packages, *more])


def _stage_inputs(project: Project, variant: str) -> dict[str, object]:
    """What of each stage a lock depends on; what its commands are, and see, does not count."""
    from lightship.build.stagelock import stage_images, stage_request
    from lightship.wheels.request import request_inputs

    platform = project.platforms[0]
    return {
        name: [
            request_inputs(stage_request(project, variant, stage, platform)),
            stage_images(stage),
            bool(stage.run),
        ]
        for name, stage in stages_of(project.config, variant).items()
    }
