"""Locks made: a project's packages resolved, Python's and Debian's, for every platform."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
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
    from lightship.wheels.lock import LockTable


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
    from lightship.build.bases import open_base
    from lightship.build.requesting import resolve_python
    from lightship.build.stagelock import lock_stages
    from lightship.build.targets import lock_targets, resolving
    from lightship.wheels.lock import LockTable, lock_path

    platforms = project.platforms
    digests = base_digests(project, machine, {} if upgrade else _base_before(project, variant))
    bases = {platform: open_base(project, platform, digests.get(platform), machine) for platform in platforms}
    glibc = {platform: base.glibc for platform, base in bases.items()}
    pylock = resolve_python(project, variant, glibc, machine, upgrade=upgrade)
    table = LockTable(
        variant=variant,
        python=project.config.python,
        base=project.config.base,
        inputs=inputs_of(project, variant, machine),
        platforms=platforms,
        debs={platform: base.debs for platform, base in bases.items()},
        base_digests=digests,
    )
    path = lock_path(project.folder, variant)
    names = {*targets, *_recorded(project, path, machine)}
    with resolving(pylock, project, variant, bases, names, machine, upgrade=upgrade) as answers:
        table = _with_builders(pylock, table, project, bases, machine)
        table = replace(table, stages=lock_stages(project, variant, bases, machine, upgrade=upgrade))
        table = _with_libraries(pylock, table, project, bases, machine)
        text = lock_targets(pylock, table, project, bases, answers, machine, wanted=targets)
    _write(path, text)
    return path


def _base_before(project: Project, variant: str) -> Mapping[Platform, Digest]:
    """Give the digests of the base that a lock has, if the base is still the same by name."""
    from lightship.wheels.lock import find_lock

    lock = find_lock(lock_file(project, variant))
    return lock.base_digests if lock and lock.base == project.config.base else {}


def _lock_again(project: Project, variant: str, machine: Machine, target: str) -> None:
    """Lock the targets anew on top of production as it is locked."""
    from lightship.build.bases import open_base
    from lightship.build.targets import lock_targets, resolving
    from lightship.wheels.lock import LockTable

    path = lock_file(project, variant)
    pylock = part_of(read_text(path.read_bytes(), path), PRODUCTION)
    lock = parse_text(pylock, path)
    table = LockTable(**{item.name: getattr(lock, item.name) for item in fields(LockTable)})
    bases = {
        platform: open_base(project, platform, lock.base_digests.get(platform), machine, debs)
        for platform, debs in lock.debs.items()
    }
    names = {target, *_recorded(project, path, machine)}
    with resolving(pylock, project, variant, bases, names, machine) as answers:
        text = lock_targets(pylock, table, project, bases, answers, machine, wanted=(target,))
    _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write a lock, with the layers that it recorded before: each says what it is made from."""
    from lightship.wheels.layers import with_layers

    write_bytes(path, with_layers(text, recorded_layers(path)).encode())


def _recorded(project: Project, path: Path, machine: Machine) -> set[str]:
    """Name the targets beside production that were locked before, and are still there."""
    known = {DEVELOPMENT, *project.config.targets}
    try:
        recorded = recorded_inputs(path, machine) if path.is_file() else {}
    except UsageError:  # a damaged lock is made anew
        recorded = {}
    return known.intersection(recorded)


def _with_libraries(
    pylock: str, table: LockTable, project: Project, bases: Bases, machine: Machine
) -> LockTable:
    """Add the packages that the ELF files of wheels, fetched or built, ask for."""
    from lightship.build.compiling import build_for_libraries, root_on
    from lightship.build.libraries import add_libraries
    from lightship.wheels.lock import parse_lock, render_lock
    from lightship.wheels.select import usable_distributions

    lock = parse_lock(render_lock(pylock, table))
    found = {}
    for platform, base in bases.items():
        python, glibc = base.python_full, base.glibc
        usable = usable_distributions(lock, platform=platform, python_full=python, glibc=glibc)
        builder = lock.builders.get(platform)
        root = root_on(base, builder)
        built = build_for_libraries(project, lock.variant, builder, usable.sdists, root, machine)
        wheels = (*usable.wheels, *built)
        found[platform] = add_libraries(base, wheels, machine)
    for note in dict.fromkeys(note for system in found.values() for note in system.notes):
        machine.reporter.note(note)
    for warning in dict.fromkeys(warning for system in found.values() for warning in system.warnings):
        machine.reporter.warn(warning)
    return replace(
        table,
        debs={platform: system.debs for platform, system in found.items()},
        libraries={platform: system.libraries for platform, system in found.items()},
    )


def _with_builders(
    pylock: str, table: LockTable, project: Project, bases: Bases, machine: Machine
) -> LockTable:
    """Add what is needed to build the distributions that have no wheel."""
    from lightship.build.builders import lock_builders
    from lightship.wheels.lock import parse_lock, render_lock

    lock = parse_lock(render_lock(pylock, table))
    return replace(table, builders=lock_builders(project, table.variant, lock, bases, machine))
