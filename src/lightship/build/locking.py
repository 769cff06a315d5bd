"""Locks: made from a project, found stale, and read for one platform."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.baseimage import base_digests, read_base
from lightship.build.cache import Memo
from lightship.build.machine import Machine
from lightship.digest import Digest, of_bytes, of_value
from lightship.errors import CheckError, UsageError
from lightship.fs.atomic import write_bytes
from lightship.plan.planner import Selection
from lightship.platform import Platform
from lightship.project.detect import Project, debian_suite, is_suite
from lightship.project.inputs import fingerprint
from lightship.project.stages import stages_of

if TYPE_CHECKING:
    from lightship.build.bases import Bases
    from lightship.debs.model import LockedDeb
    from lightship.plan.base import BaseImage
    from lightship.wheels.lock import Lock, LockTable
    from lightship.wheels.model import LockedSdist, SourceBuild


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


def is_current(project: Project, variant: str, machine: Machine) -> bool:
    """Tell whether a lock is there and was made from what the project asks for now."""
    path = lock_file(project, variant)
    if not path.is_file():
        return False
    recorded = _recorded_inputs(path, machine)
    return recorded == inputs_of(project, variant, machine)


def require_current(project: Project, variant: str, machine: Machine) -> None:
    """Insist on a current lock.

    Raises:
        CheckError: if the lock is missing or stale.

    """
    if not is_current(project, variant, machine):
        path = lock_file(project, variant)
        state = "is stale" if path.is_file() else "is missing"
        raise CheckError(
            f"the lock {state}", where=str(path), hint="run `lightship lock` and commit the file"
        )


def make_lock(project: Project, variant: str, machine: Machine, *, upgrade: bool = False) -> Path:
    """Resolve a variant for every platform and write its lock.

    Raises:
        ResolutionError: if packages cannot be found or do not fit together.
        NetworkError, IntegrityError: if the Debian index cannot be had or trusted.

    """
    from lightship.build.bases import open_base
    from lightship.build.resolving import resolve_python
    from lightship.build.stagelock import lock_stages
    from lightship.wheels.lock import LockTable, lock_path, render_lock

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
    write_bytes(path, render_lock(pylock, table).encode())
    return path


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
        built = build_for_libraries(project, lock, usable.sdists, root, machine)
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


def select(project: Project, variant: str, platform: Platform, machine: Machine) -> Selection:
    """Read what a lock holds for one platform; remembered under the lock's digest.

    Raises:
        UsageError: if there is no lock, it is damaged, or it was not made for the platform.
        ResolutionError: if a distribution has neither a wheel for the platform nor source.

    """
    path = lock_file(project, variant)
    try:
        data = path.read_bytes()
    except OSError:
        raise UsageError("there is no lock", where=str(path), hint="run `lightship lock`") from None
    digest = of_bytes(data)
    memo = Memo(machine.home.cache / "selections")
    key = of_value([digest, str(platform)])

    def read() -> Selection:
        return _select(_parse(data, path), digest, platform, project, machine)

    return memo.get_or_make(key, Selection, read)


def _select(lock: Lock, digest: Digest, platform: Platform, project: Project, machine: Machine) -> Selection:
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
    python = base.python.version if base else python_full_version(debs)
    glibc = base.facts.glibc if base else glibc_version(debs)
    wheels, sdists = select_distributions(lock, platform=platform, python_full=python, glibc=glibc)
    libraries = lock.libraries.get(platform, ())
    builds, builder = _builds(lock, platform, sdists, path)
    suite = base.facts.debian if base else debian_suite(lock.base)
    stages = dict(lock.stages.get(platform, {}))
    others = {other.architecture: lock.debs[other] for other in lock.platforms if other != platform}
    return Selection(
        digest, suite, lock.python, debs, wheels, libraries, builds, builder, stages, others, base
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
    lock: Lock, platform: Platform, sdists: tuple[LockedSdist, ...], path: Path
) -> tuple[tuple[SourceBuild, ...], tuple[LockedDeb, ...]]:
    from lightship.wheels.model import SourceBuild

    builder = lock.builders.get(platform)
    if not sdists:
        return (), builder.debian if builder else ()
    if builder is None or any(sdist.name not in builder.requires for sdist in sdists):
        raise UsageError(
            "the lock does not say how to build " + ", ".join(sdist.name for sdist in sdists),
            where=str(path),
            hint="run `lightship lock`",
        )
    builds = tuple(SourceBuild(sdist, builder.requires[sdist.name]) for sdist in sdists)
    return builds, builder.debian


def _recorded_inputs(path: Path, machine: Machine) -> str:
    data = path.read_bytes()
    memo = Memo(machine.home.cache / "recorded")
    return memo.get_or_make(of_bytes(data), str, lambda: _parse_inputs(data, path))


def _parse_inputs(data: bytes, path: Path) -> str:
    return _parse(data, path).inputs


def _parse(data: bytes, path: Path) -> Lock:
    from lightship.wheels.lock import parse_lock

    return parse_lock(_text(data, path), where=str(path))


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
