"""Errors of builds, with the Debian package that has what was missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from lightship.build.diagnose import Missing, excerpt, find_missing
from lightship.errors import StageError
from lightship.wheels.model import LockedSdist

Finder = Callable[[Sequence[Missing]], tuple[Missing, str] | None]
"""Take the first of what a build missed that a Debian package has, and name the package."""

_ADD = 'add "{package}" to build-packages in [tool.lightship], or run `lightship build --fix-build-packages`'
_UNRESOLVED = re.compile(r"cause: No solution found when resolving: (.*)")


class MissingPackageError(StageError):
    """A build failed for want of a Debian package; `package` has what was missing."""

    def __init__(self, message: str, package: str, *, where: str, hint: str, detail: str) -> None:
        super().__init__(message, where=where, hint=hint, detail=detail)
        self.package = package


def build_failure(sdist: LockedSdist, log: str, find: Finder) -> StageError:
    """Say why a build failed, as far as its log tells."""
    missing = find_missing(log)
    found = find(missing) if missing else None
    message = f"{sdist.name} {sdist.version} cannot be built"
    if found:
        lacking, package = found
        return MissingPackageError(
            f"{message}: {lacking.words} is in the Debian package {package}",
            package,
            where=sdist.filename,
            hint=_ADD.format(package=package),
            detail=excerpt(log),
        )
    lacks = f": it lacks {' and '.join(each.words for each in missing[:3])}" if missing else ""
    return StageError(
        message + lacks,
        where=sdist.filename,
        hint="name Debian packages that the build needs in build-packages, or require a version that has a "
        "wheel",
        detail=excerpt(log),
    )


def time_limit_failure(sdist: LockedSdist, log: str, seconds: float) -> StageError:
    return StageError(
        f"the build of {sdist.name} {sdist.version} was ended after {seconds:g} seconds",
        where=sdist.filename,
        hint="see what it did last; if it only needs longer, build its wheel on a faster machine and name "
        "the wheel's folder in pip's `find-links`",
        detail="\n".join(log.splitlines()[-20:]),
    )


def stage_failure(stage: str, command: str, code: int, log: str, find: Finder) -> StageError:
    """Say why a command of a stage failed, as far as its log tells."""
    missing = find_missing(log)
    found = find(missing) if missing else None
    message = f"stage {stage!r}: a command ended with status {code}"
    if found:
        lacking, package = found
        return MissingPackageError(
            f"{message}: {lacking.words} is in the Debian package {package}",
            package,
            where=command,
            hint=_ADD.format(package=package),
            detail=excerpt(log),
        )
    return StageError(
        message,
        where=command,
        hint="it sees the stage's `inputs`, `requirements` and `from`, the builder's packages, no network",
        detail=excerpt(log),
    )


def stage_time_limit_failure(stage: str, command: str, log: str, seconds: float) -> StageError:
    return StageError(
        f"stage {stage!r} was ended after {seconds:g} seconds",
        where=command,
        hint="see what it did last; a stage may take no longer",
        detail="\n".join(log.splitlines()[-20:]),
    )


def missing_requirements(log: str) -> tuple[str, ...]:
    """Requirements that uv was asked to install for a build, and did not find among its wheels.

    They are the static ones and those of PEP 517's `get_requires_for_build_wheel` together.
    """
    match = _UNRESOLVED.search(log)
    texts = re.findall(r"`([^`]+)`", match[1]) if match else []
    try:
        return tuple(str(Requirement(text)) for text in texts)
    except InvalidRequirement:
        return ()
