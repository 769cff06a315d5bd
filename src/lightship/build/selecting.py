"""What a lock holds for one platform and target."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.baseimage import read_base
from lightship.build.cache import Memo
from lightship.build.locks import lock_file, parse_text, read_text
from lightship.build.machine import Machine
from lightship.digest import Digest, of_bytes, of_value
from lightship.errors import UsageError
from lightship.plan.model import Additions
from lightship.plan.planner import Selection
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, debian_suite, is_suite
from lightship.wheels.groups import part_of

if TYPE_CHECKING:
    from lightship.plan.base import BaseImage
    from lightship.wheels.lock import Lock, LockedBuilder
    from lightship.wheels.model import LockedSdist, SourceBuild
    from lightship.wheels.select import Distributions


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
    text = part_of(read_text(data, path), target)
    digest = of_bytes(text.encode())
    memo = Memo(machine.home.cache / "selections")
    key = of_value([digest, str(platform), *([] if target == PRODUCTION else [target])])

    def read() -> Selection:
        return selection_of(parse_text(text, path), digest, platform, project, machine, target)

    return memo.get_or_make(key, Selection, read)


def selection_of(
    lock: Lock,
    digest: Digest,
    platform: Platform,
    project: Project,
    machine: Machine,
    target: str = PRODUCTION,
) -> Selection:
    """Choose what a lock, of which `digest` is that of the part for the target, holds for a platform.

    Raises:
        UsageError, ResolutionError: as `select`.

    """
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
