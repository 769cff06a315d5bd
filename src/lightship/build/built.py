"""Wheels that a build made, taken over into the cache of archives."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from lightship.build.interpreter import Interpreter, feature_version
from lightship.digest import CHUNK
from lightship.errors import LightshipError, StageError, UsageError
from lightship.fs.atomic import writing_unnamed
from lightship.platform import Platform
from lightship.wheels.archive import open_wheel
from lightship.wheels.environment import Environment
from lightship.wheels.install import installed
from lightship.wheels.model import LockedSdist, LockedWheel
from lightship.wheels.select import target_tags

SCHEME = "built"
"""Scheme of a built wheel's URL: it names the source that it was made from, and is never fetched."""


def check_native(platform: Platform, sdist: LockedSdist) -> None:
    """Refuse to compile for another processor than this machine's.

    Raises:
        UsageError: naming the distribution.

    """
    machine = os.uname().machine
    if machine != platform.machine:
        raise UsageError(
            f"{sdist.name} {sdist.version} has no wheel for {platform}, and cannot be compiled on {machine}",
            where=sdist.filename,
            hint=f"build on a machine of {platform}, or require a version that has a wheel",
        )


def adopt(folder: Path, sdist: LockedSdist, interpreter: Interpreter, archives: Path) -> LockedWheel:
    """Take the wheel that a build left in `folder` into `archives/sha256`, once it is found right.

    The folder was the build's: no link in it is followed.

    Raises:
        StageError: if there is not exactly one wheel, or it is of another distribution or another target.

    """
    names = sorted(os.listdir(folder))  # noqa: PTH208 - names are all that is wanted
    if len(names) != 1:
        raise _wrong(sdist, f"left {len(names)} files where one wheel was expected")
    _check_name(names[0], sdist, interpreter)
    store = archives / "sha256"
    with writing_unnamed(store) as unnamed:
        sha256, size = _copy(folder / names[0], unnamed.stream, sdist)
        unnamed.stream.flush()
        wheel = LockedWheel(sdist.name, sdist.version, names[0], f"{SCHEME}:{sdist.filename}", sha256, size)
        _check_content(unnamed.path, wheel, interpreter, sdist)
        unnamed.name(store / sha256)
    return wheel


def _check_name(name: str, sdist: LockedSdist, interpreter: Interpreter) -> None:
    try:
        distribution, version, _, tags = parse_wheel_filename(name)
    except InvalidWheelFilename as error:
        raise _wrong(sdist, f"left {name!r}, which is no wheel") from error
    if distribution != canonicalize_name(sdist.name) or version != Version(sdist.version):
        raise _wrong(sdist, f"made {name}, another distribution or version")
    if not tags.intersection(target_tags(interpreter.platform, interpreter.python_full, interpreter.glibc)):
        raise _wrong(sdist, f"made {name}, which does not run on {interpreter.platform}")


def _copy(path: Path, stream: BinaryIO, sdist: LockedSdist) -> tuple[str, int]:
    """Copy a file and give its SHA-256 (hexadecimal) and size in bytes."""
    state, size = hashlib.sha256(), 0
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _wrong(sdist, f"left {path.name!r}, which is no file") from error
    with os.fdopen(handle, "rb") as source:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _wrong(sdist, f"left {path.name!r}, which is no file")
        while chunk := source.read(CHUNK):
            state.update(chunk)
            size += len(chunk)
            stream.write(chunk)
    return state.hexdigest(), size


def _check_content(path: Path, wheel: LockedWheel, interpreter: Interpreter, sdist: LockedSdist) -> None:
    """Read the wheel as it will be installed, to its end."""
    environment = Environment("opt/venv", feature_version(interpreter.python_full))
    try:
        with path.open("rb") as stream:
            for entry in installed(open_wheel(stream, name=wheel.filename), wheel, environment):
                for _ in entry.content.chunks() if entry.content else ():
                    pass
    except LightshipError as error:
        raise _wrong(sdist, f"made a wheel that cannot be installed: {error.message}") from error


def _wrong(sdist: LockedSdist, what: str) -> StageError:
    return StageError(
        f"the build of {sdist.name} {sdist.version} {what}",
        where=sdist.filename,
        hint="choose another version, and tell whoever publishes it",
    )
