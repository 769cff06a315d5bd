"""Locks made: a project's packages resolved, Python's and Debian's, for every platform."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.baseimage import base_digests
from lightship.build.locks import (
    inputs_of,
    is_current,
    lock_file,
    parse_text,
    read_text,
    recorded_inputs,
    recorded_layers,
)
from lightship.build.machine import Machine
from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.fs.atomic import write_bytes
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.targets import DEVELOPMENT
from lightship.wheels.groups import part_of

if TYPE_CHECKING:
    from lightship.build.bases import Bases
    from lightship.wheels.layers import LockedLayer
    from lightship.wheels.lock import Lock


def ensure_lock(project: Project, variant: str, machine: Machine, target: str = PRODUCTION) -> None:
    """Lock what is not locked, or stale: of a lock that is stale for `target` alone, production's part stays.

    Raises:
        LightshipError: as `make_lock`.

    """
    if is_current(project, variant, machine, target):
        return
    if is_current(project, variant, machine):
        _lock_again(project, variant, machine, target)
    else:
        make_lock(project, variant, machine, targets=() if target == PRODUCTION else (target,))


def make_lock(
    project: Project,
    variant: str,
    machine: Machine,
    *,
    upgrade: bool = False,
    targets: Collection[str] = (),
) -> Path:
    """Resolve a variant for every platform and write its lock.

    Targets beside production are locked if they are named, or were locked before.

    Raises:
        ResolutionError: if packages cannot be found or do not fit together.
        NetworkError, IntegrityError: if the Debian index cannot be had or trusted.

    """
    from lightship.build.requesting import python_answer
    from lightship.wheels.lock import LockTable, find_lock, lock_of

    path = lock_file(project, variant)
    before = find_lock(path)
    digests = base_digests(project, machine, {} if upgrade else _base_before(project, before))
    with python_answer(project, variant, before, machine, upgrade=upgrade) as answer:
        # what follows is imported and read while the resolver waits for indexes
        from lightship.build.bases import open_base
        from lightship.build.builders import lock_builders
        from lightship.build.stagelock import lock_stages
        from lightship.build.targets import lock_targets, resolving

        bases = {
            platform: open_base(project, platform, digests.get(platform), machine)
            for platform in project.platforms
        }
        pylock = answer({platform: base.glibc for platform, base in bases.items()})
    lock = lock_of(
        pylock,
        LockTable(
            variant=variant,
            python=project.config.python,
            base=project.config.base,
            inputs=inputs_of(project, variant, machine),
            platforms=project.platforms,
            debs={platform: base.debs for platform, base in bases.items()},
            base_digests=digests,
        ),
    )
    names = {*targets, *_recorded(project, path, machine)}
    with resolving(pylock, project, variant, bases, names, machine, upgrade=upgrade) as answers:
        lock = replace(lock, builders=lock_builders(project, variant, lock, bases, machine))
        lock = replace(lock, stages=lock_stages(project, variant, bases, machine, upgrade=upgrade))
        lock = _with_libraries(lock, project, bases, machine)
        text = lock_targets(pylock, lock, project, bases, answers, machine, wanted=targets)
    _write(path, text, before.layers if before else {})
    return path


def _base_before(project: Project, before: Lock | None) -> Mapping[Platform, Digest]:
    """Give the digests of the base that a lock has, if the base is still the same by name."""
    return before.base_digests if before and before.base == project.config.base else {}


def _lock_again(project: Project, variant: str, machine: Machine, target: str) -> None:
    """Lock the targets anew on top of production as it is locked."""
    from lightship.build.bases import open_base
    from lightship.build.targets import lock_targets, resolving

    path = lock_file(project, variant)
    whole = read_text(path.read_bytes(), path)
    pylock = part_of(whole, PRODUCTION)
    lock = parse_text(pylock, path)
    bases = {
        platform: open_base(project, platform, lock.base_digests.get(platform), machine, debs)
        for platform, debs in lock.debs.items()
    }
    names = {target, *_recorded(project, path, machine)}
    with resolving(pylock, project, variant, bases, names, machine) as answers:
        text = lock_targets(pylock, lock, project, bases, answers, machine, wanted=(target,))
    _write(path, text, recorded_layers(path))


def _write(path: Path, text: str, layers: Mapping[Platform, Sequence[LockedLayer]]) -> None:
    """Write a lock, with the layers that it recorded before: each says what it is made from."""
    from lightship.wheels.layers import with_layers

    write_bytes(path, with_layers(text, layers).encode())


def _recorded(project: Project, path: Path, machine: Machine) -> set[str]:
    """Name the targets beside production that were locked before, and are still there."""
    known = {DEVELOPMENT, *project.config.targets}
    try:
        recorded = recorded_inputs(path, machine) if path.is_file() else {}
    except UsageError:  # a damaged lock is made anew
        recorded = {}
    return known.intersection(recorded)


def _with_libraries(lock: Lock, project: Project, bases: Bases, machine: Machine) -> Lock:
    """Add the packages that the ELF files of wheels, fetched or built, ask for."""
    from lightship.build.libraries import add_libraries, built_for_libraries
    from lightship.wheels.select import usable_distributions

    found = {}
    for platform, base in bases.items():
        python, glibc = base.python_full, base.glibc
        usable = usable_distributions(lock, platform=platform, python_full=python, glibc=glibc)
        builder = lock.builders.get(platform)
        built = built_for_libraries(project, lock.variant, base, builder, usable.sdists, machine)
        found[platform] = add_libraries(base, (*usable.wheels, *built), machine)
    for note in dict.fromkeys(note for system in found.values() for note in system.notes):
        machine.reporter.note(note)
    for warning in dict.fromkeys(warning for system in found.values() for warning in system.warnings):
        machine.reporter.warn(warning)
    return replace(
        lock,
        debs={platform: system.debs for platform, system in found.items()},
        libraries={platform: system.libraries for platform, system in found.items()},
    )
