"""Which archives of a lock an image is made from, decided for the target and not for this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from packaging.markers import Environment
from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel
from packaging.tags import Tag, compatible_tags, cpython_tags, create_compatible_tags_selector
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from lightship.errors import ResolutionError
from lightship.net.redact import redact
from lightship.platform import Platform
from lightship.wheels.lock import Lock
from lightship.wheels.model import LockedSdist, LockedWheel

_File: TypeAlias = PackageWheel | PackageSdist | PackageArchive
_Selector: TypeAlias = Callable[[Iterable[tuple[str, AbstractSet[Tag]]]], Iterator[str]]
Groups: TypeAlias = frozenset[str]
NO_GROUPS: Groups = frozenset()
_Locked = TypeVar("_Locked", LockedWheel, LockedSdist)
SDIST_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
"""PEP 625 names only the first; the others are on the indexes since before it."""


class Distributions(NamedTuple):
    """What is installed as it is, and what is built first; both sorted by name."""

    wheels: tuple[LockedWheel, ...]
    sdists: tuple[LockedSdist, ...]


def select_distributions(
    lock: Lock,
    *,
    platform: Platform,
    python_full: str,
    glibc: tuple[int, int],
    only_wheels: bool = False,
    groups: Groups = NO_GROUPS,
) -> Distributions:
    """Choose the best wheel of each package for a platform, or its source (PEP 751, "Installation").

    `python_full` is the target's whole version (`3.11.2`), `glibc` its C library's; with `only_wheels`, a
    package that has but its source counts as one that has nothing. `groups` are the dependency groups that
    are wanted too.

    Raises:
        ResolutionError: naming every package that has neither there.

    """
    found, problems = _select(lock, platform, python_full, glibc, groups)
    if only_wheels:
        problems += [f"{sdist.name} {sdist.version}: has only source" for sdist in found.sdists]
    if problems:
        raise _incomplete(sorted(problems), platform, python_full, glibc)
    return found


def usable_distributions(
    lock: Lock,
    *,
    platform: Platform,
    python_full: str,
    glibc: tuple[int, int],
    groups: Groups = NO_GROUPS,
) -> Distributions:
    """As `select_distributions`, without the packages that have neither."""
    return _select(lock, platform, python_full, glibc, groups)[0]


def _select(
    lock: Lock, platform: Platform, python_full: str, glibc: tuple[int, int], groups: Groups
) -> tuple[Distributions, list[str]]:
    best_of = create_compatible_tags_selector(target_tags(platform, python_full, glibc))
    wheels: list[LockedWheel] = []
    sdists: list[LockedSdist] = []
    problems: list[str] = []
    for package in _wanted(lock, platform, python_full, groups):
        found = _choose(package, best_of, python_full)
        if isinstance(found, LockedWheel):
            wheels.append(found)
        elif isinstance(found, LockedSdist):
            sdists.append(found)
        else:
            problems.append(f"{package.name} {package.version or ''}".rstrip() + f": {found}")
    return Distributions(tuple(sorted(wheels)), tuple(sorted(sdists))), problems


def target_tags(platform: Platform, python: str, glibc: tuple[int, int]) -> list[Tag]:
    """Wheel tags that run on the target, best first; `python` is `3.11` or longer."""
    version = tuple(int(part) for part in python.split(".")[:2])
    platforms = platform.wheel_platforms(glibc)
    interpreter = "cp" + "".join(map(str, version))
    return [*cpython_tags(version, platforms=platforms), *compatible_tags(version, interpreter, platforms)]


def target_environment(platform: Platform, python_full: str) -> Environment:
    """Marker variables of the target (PEP 508); what only its kernel knows is empty."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python_full,
        "os_name": "posix",
        "platform_machine": platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python_full,
        "python_version": ".".join(python_full.split(".")[:2]),
        "sys_platform": platform.os,
    }


def _wanted(lock: Lock, platform: Platform, python_full: str, groups: Groups) -> Iterator[Package]:
    environment: dict[str, str | frozenset[str]] = {
        **{key: str(value) for key, value in target_environment(platform, python_full).items()},
        "extras": NO_GROUPS,
        "dependency_groups": groups,
    }
    for package in lock.packages:
        if package.marker is None or package.marker.evaluate(environment, context="lock_file"):
            yield package


def _choose(package: Package, best_of: _Selector, python_full: str) -> LockedWheel | LockedSdist | str:
    """The wheel to install, else the source to build one from, or why there is neither."""
    if package.requires_python and not package.requires_python.contains(python_full, prereleases=True):
        return f"needs Python {package.requires_python}"
    if package.vcs:
        return (
            f"comes from a repository ({redact(package.vcs.url or package.vcs.path or '')}), not as a wheel"
        )
    if package.directory:
        return f"is the folder {package.directory.path}, not a wheel"
    files: list[_File] = [package.archive] if package.archive else list(package.wheels or ())
    names = {_filename(file): file for file in files}
    wheels = {name: file for name, file in names.items() if name.endswith(".whl")}
    best = _best(wheels, best_of)
    if best is not None:
        return _locked(LockedWheel, package, best, wheels[best])
    source = package.sdist or (package.archive if not wheels else None)
    if source is not None:
        return _source(package, source)
    return "has no wheel for the target" + (f", only {_sample(wheels)}" if wheels else "")


def _source(package: Package, source: PackageSdist | PackageArchive) -> LockedSdist | str:
    name = _filename(source)
    if not name.endswith(SDIST_SUFFIXES):
        return f"has no wheel for the target, and its source is of an unknown kind ({name})"
    return _locked(LockedSdist, package, name, source)


def _best(names: Iterable[str], best_of: _Selector) -> str | None:
    parsed = []
    for name in names:
        try:
            _, _, build, supported = parse_wheel_filename(name)
        except InvalidWheelFilename:
            continue
        parsed.append((build, name, supported))
    # Of wheels that fit equally well, the highest build number counts (wheel specification, "build tag").
    parsed.sort(key=itemgetter(0, 1), reverse=True)
    return next(best_of((name, supported) for _, name, supported in parsed), None)


def _locked(kind: type[_Locked], package: Package, name: str, file: _File) -> _Locked | str:
    sha256 = file.hashes.get("sha256")
    if sha256 is None:
        return f"is pinned by {', '.join(file.hashes)}, not by SHA-256"
    if file.url is None:
        return f"is locked by a path ({file.path}), not by a URL"
    if package.version is None and kind is LockedSdist:
        return "is locked without a version"
    version = str(package.version or parse_wheel_filename(name)[1])
    return kind(package.name, version, name, file.url, sha256, file.size or 0)


def _filename(file: _File) -> str:
    if isinstance(file, PackageWheel | PackageSdist):
        return file.filename
    return unquote(urlsplit(file.url or file.path or "").path).rpartition("/")[2]


def _sample(names: Iterable[str], most: int = 3) -> str:
    listed = sorted(names)
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest


def _incomplete(
    problems: list[str], platform: Platform, python_full: str, glibc: tuple[int, int]
) -> ResolutionError:
    packages = "a package has" if len(problems) == 1 else f"{len(problems)} packages have"
    return ResolutionError(
        f"{packages} no wheel for {platform}, Python {python_full}, glibc {glibc[0]}.{glibc[1]}",
        where=", ".join(problem.partition(":")[0] for problem in problems),
        hint="require a version that has one, or build one and name its folder in pip's `find-links`, "
        "or lock again if the lock is for another target",
        detail="\n".join(problems),
    )
