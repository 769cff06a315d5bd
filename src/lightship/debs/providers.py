"""Which package is to bring a shared library, out of those that have a file of its name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from debian.debian_support import NativeVersion

from lightship.debs.contents import Owner, loader_folders
from lightship.debs.suite import Suite


@dataclass(frozen=True, slots=True)
class Provider:
    """The answer for one library.

    `package` is empty where none will do. `others` would have done as well as it; without a package, they
    have the library in a folder that the loader does not search.
    """

    package: str
    others: tuple[str, ...] = ()


def find_providers(suite: Suite, sonames: Iterable[str], present: Collection[str]) -> Mapping[str, Provider]:
    """Choose a package for each library; `present` names the packages that are there anyway.

    What is there, or was chosen for another library, comes first; then the package that is named for the
    library (Debian Policy 8.1: `libpq5` for `libpq.so.5`); then the newest. Only packages count whose file
    the loader finds: the links that maintainer scripts make (update-alternatives) are not there.

    Raises:
        IntegrityError, NetworkError: if the suite's Contents cannot be trusted or had.

    """
    owners = suite.contents.find_libraries(sonames)
    options = {name: _findable(owners.get(name, ()), suite) for name in sonames}
    known = set(present)
    chosen: dict[str, Provider] = {}
    for name in sorted(options, key=lambda name: (len(options[name]), name)):  # what leaves no choice first
        chosen[name] = (
            _best(name, options[name], known, suite) if options[name] else Provider("", _names(owners, name))
        )
        known.add(chosen[name].package)
    return chosen


def _findable(owners: Iterable[Owner], suite: Suite) -> list[str]:
    folders = loader_folders(suite.platform)
    packages = {owner.package for owner in owners if owner.folder in folders}
    return sorted(package for package in packages if suite.index.candidates(package))


def _best(soname: str, packages: list[str], known: Collection[str], suite: Suite) -> Provider:
    for preferred in (
        [package for package in packages if package in known],
        [package for package in packages if _is_named_for(package, soname)],
    ):
        if preferred:
            return Provider(preferred[0])
    newest = sorted(packages, key=lambda name: _version(name, suite), reverse=True)
    return Provider(newest[0], tuple(newest[1:]))


def _is_named_for(package: str, soname: str) -> bool:
    """Compare without hyphens, which stand between digits; `t64` marks a library of the 64-bit time_t."""
    name, _, version = soname.partition(".so.")
    return _plain(package.removesuffix("t64")) == _plain(name + version)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _version(package: str, suite: Suite) -> NativeVersion:
    return NativeVersion(suite.index.candidates(package)[0].version)


def _names(owners: Mapping[str, tuple[Owner, ...]], soname: str) -> tuple[str, ...]:
    return tuple(sorted({owner.package for owner in owners.get(soname, ())}))
