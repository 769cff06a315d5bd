"""Locks: made from a project, found stale, and read for one platform."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.baseimage import base_digests, read_base
from lightship.build.cache import Memo
from lightship.build.inputs import target_inputs
from lightship.build.machine import Machine
from lightship.digest import Digest, of_bytes, of_value
from lightship.errors import CheckError, UsageError
from lightship.fs.atomic import write_bytes
from lightship.plan.model import Additions
from lightship.plan.planner import Selection
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, debian_suite, is_suite
from lightship.project.inputs import fingerprint
from lightship.project.stages import stages_of
from lightship.project.targets import DEVELOPMENT, find_target
from lightship.wheels.groups import part_of

if TYPE_CHECKING:
    from lightship.build.bases import Bases
    from lightship.plan.base import BaseImage
    from lightship.wheels.lock import Lock, LockedBuilder, LockTable
    from lightship.wheels.model import LockedSdist, SourceBuild
    from lightship.wheels.select import Distributions


def lock_file(project: Project, variant: str) -> Path:
    project.variant(variant)
    return project.folder / f"pylock.{variant}.toml"


def inputs_of(project: Project, variant: str, machine: Machine) -> Digest:
    """Digest of what a lock depends on; that requirement files only changed a comment does not count."""
    config = project.config
    cheap = fingerprint(project.folder, config, project.variant(variant), stages_of(config, variant))
    if pins := _pins(project):
        cheap = of_value([cheap, pins])
    memo = Memo(machine.home.cache / "inputs")
    return Digest(memo.get_or_make(cheap, str, lambda: _semantic_inputs(project, variant)))


def is_current(project: Project, variant: str, machine: Machine, target: str = PRODUCTION) -> bool:
    """Tell whether a lock is there and was made from what the project asks for now."""
    path = lock_file(project, variant)
    wanted = find_target(project, target)
    if not path.is_file():
        return False
    recorded = _recorded_inputs(path, machine)
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
    from lightship.build.resolving import resolve_python
    from lightship.build.stagelock import lock_stages
    from lightship.build.targets import lock_targets
    from lightship.wheels.lock import LockTable, lock_path

    platforms = project.platforms
    digests = base_digests(project)
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
    table = _with_builders(pylock, table, project, bases, machine)
    table = replace(table, stages=lock_stages(project, variant, bases, machine, upgrade=upgrade))
    table = _with_libraries(pylock, table, project, bases, machine)
    names = _names(project, path, machine, targets)
    text = lock_targets(pylock, table, project, bases, names, machine, upgrade=upgrade)
    write_bytes(path, text.encode())
    return path


def _lock_again(project: Project, variant: str, machine: Machine, target: str) -> None:
    """Lock the targets anew on top of production as it is locked."""
    from lightship.build.bases import open_base
    from lightship.build.targets import lock_targets
    from lightship.wheels.lock import LockTable

    path = lock_file(project, variant)
    pylock = part_of(_text(path.read_bytes(), path), PRODUCTION)
    lock = _parse(pylock, path)
    table = LockTable(**{item.name: getattr(lock, item.name) for item in fields(LockTable)})
    bases = {
        platform: open_base(project, platform, lock.base_digests.get(platform), machine, debs)
        for platform, debs in lock.debs.items()
    }
    names = _names(project, path, machine, (target,))
    write_bytes(path, lock_targets(pylock, table, project, bases, names, machine).encode())


def _names(project: Project, path: Path, machine: Machine, wanted: Collection[str]) -> dict[str, bool]:
    """Name the targets to lock, and say of each whether it must be."""
    known = {DEVELOPMENT, *project.config.targets}
    try:
        recorded = _recorded_inputs(path, machine) if path.is_file() else {}
    except UsageError:  # a damaged lock is made anew
        recorded = {}
    return {name: False for name in recorded if name in known} | dict.fromkeys(wanted, True)


def _with_libraries(
    pylock: str, table: LockTable, project: Project, bases: Bases, machine: Machine
) -> LockTable:
    """Add the packages that the ELF files of wheels, fetched or built, ask for."""
    from lightship.build.compiling import build_for_libraries
    from lightship.build.libraries import add_libraries
    from lightship.build.wheelhouse import BuilderRoot
    from lightship.wheels.lock import parse_lock, render_lock
    from lightship.wheels.select import usable_distributions

    lock = parse_lock(render_lock(pylock, table))
    found = {}
    for platform, base in bases.items():
        python, glibc = base.python_full, base.glibc
        usable = usable_distributions(lock, platform=platform, python_full=python, glibc=glibc)
        builder = lock.builders.get(platform)
        root = BuilderRoot(builder.debian if builder else (), platform, python, glibc)
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


def select(
    project: Project, variant: str, platform: Platform, machine: Machine, target: str = PRODUCTION
) -> Selection:
    """Read what a lock holds for one platform and target; remembered under the digest of that part of it.

    Raises:
        UsageError: if there is no lock, it is damaged, or it was not made for the platform.
        ResolutionError: if a distribution has neither a wheel for the platform nor source.

    """
    path = lock_file(project, variant)
    try:
        data = path.read_bytes()
    except OSError:
        raise UsageError("there is no lock", where=str(path), hint="run `lightship lock`") from None
    text = part_of(_text(data, path), target)
    digest = of_bytes(text.encode())
    memo = Memo(machine.home.cache / "selections")
    key = of_value([digest, str(platform), *([] if target == PRODUCTION else [target])])

    def read() -> Selection:
        return _select(_parse(text, path), digest, platform, target, project, machine)

    return memo.get_or_make(key, Selection, read)


def _select(
    lock: Lock, digest: Digest, platform: Platform, target: str, project: Project, machine: Machine
) -> Selection:
    from lightship.debs.lock import glibc_version, python_full_version
    from lightship.wheels.select import select_distributions

    path = lock_file(project, lock.variant)
    if platform not in lock.platforms:
        raise UsageError(
            f"the lock was not made for {platform}",
            where=str(path),
            hint=f'add "{platform}" to platforms in [tool.lightship], then run `lightship lock`',
        )
    debs, base = lock.debs[platform], _base(lock, platform, project, machine)
    find = partial(
        select_distributions,
        lock,
        platform=platform,
        python_full=base.python.version if base else python_full_version(debs),
        glibc=base.facts.glibc if base else glibc_version(debs),
    )
    found, builder = find(), lock.builders.get(platform)
    return Selection(
        lock=digest,
        suite=base.facts.debian if base else debian_suite(lock.base),
        python=lock.python,
        debs=debs,
        wheels=found.wheels,
        libraries=lock.libraries.get(platform, ()),
        builds=_builds(builder, found.sdists, path),
        builder=builder.debian if builder else (),
        stages=dict(lock.stages.get(platform, {})),
        others={other.architecture: lock.debs[other] for other in lock.platforms if other != platform},
        base=base,
        additions=None
        if target == PRODUCTION
        else _additions(lock, platform, target, found, find(groups=frozenset({target})), path),
    )


def _additions(
    lock: Lock, platform: Platform, target: str, below: Distributions, every: Distributions, path: Path
) -> Additions:
    """Give what a target has beyond what is `below`, production's."""
    if target not in lock.targets:
        raise UsageError(
            f"the lock has no target {target}",
            where=str(path),
            hint=f"run `lightship lock --target {target}`",
        )
    locked = lock.targets[target]
    builder = locked.builders.get(platform)
    sdists = [sdist for sdist in every.sdists if sdist not in below.sdists]
    return Additions(
        target=target,
        debs=locked.debs[platform],
        wheels=tuple(wheel for wheel in every.wheels if wheel not in below.wheels),
        libraries=locked.libraries[platform],
        builds=_builds(builder, sdists, path),
        builder=builder.debian if builder else (),
    )


def _base(lock: Lock, platform: Platform, project: Project, machine: Machine) -> BaseImage | None:
    """Read the image that a lock pins as base; None where it is a Debian suite."""
    if is_suite(lock.base):
        return None
    if platform not in lock.base_digests:
        raise UsageError(
            "the lock does not say which image the base is",
            where=str(lock_file(project, lock.variant)),
            hint="run `lightship lock`",
        )
    return read_base(project, platform, lock.base_digests[platform], machine)


def _builds(
    builder: LockedBuilder | None, sdists: Sequence[LockedSdist], path: Path
) -> tuple[SourceBuild, ...]:
    from lightship.wheels.model import SourceBuild

    if not sdists:
        return ()
    if builder is None or any(sdist.name not in builder.requires for sdist in sdists):
        raise UsageError(
            "the lock does not say how to build " + ", ".join(sdist.name for sdist in sdists),
            where=str(path),
            hint="run `lightship lock`",
        )
    return tuple(SourceBuild(sdist, builder.requires[sdist.name]) for sdist in sdists)


def _recorded_inputs(path: Path, machine: Machine) -> dict[str, str]:
    """Read what each target of a lock was made from, `production` first."""
    data = path.read_bytes()
    memo = Memo(machine.home.cache / "recorded")
    return memo.get_or_make(of_bytes(data), dict[str, str], lambda: _parse_inputs(data, path))


def _parse_inputs(data: bytes, path: Path) -> dict[str, str]:
    lock = _parse(_text(data, path), path)
    return {PRODUCTION: lock.inputs, **{name: target.inputs for name, target in lock.targets.items()}}


def _parse(text: str, path: Path) -> Lock:
    from lightship.wheels.lock import parse_lock

    return parse_lock(text, where=str(path))


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError("the lock is not UTF-8", where=str(path), hint="run `lightship lock`") from error


def _semantic_inputs(project: Project, variant: str) -> str:
    from lightship.build.resolving import python_request
    from lightship.wheels.request import request_inputs

    asked = request_inputs(python_request(project, variant, project.platforms[0]))
    platforms = [str(platform) for platform in project.platforms]
    config = project.config
    packages = [sorted(config.runtime_packages), sorted(config.build_packages)]
    stages = _stage_inputs(project, variant)
    more = [*([stages] if stages else []), *_pins(project)]
    return of_value([asked, platforms, config.base, packages, *more])


def _pins(project: Project) -> list[str]:
    """List the digests of the image that is the base: a layout that names another one makes a lock stale."""
    return list(base_digests(project).values())


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
