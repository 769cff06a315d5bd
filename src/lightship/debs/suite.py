"""A suite's packages for one platform: the newest of all its archives, and who has which file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lightship.debs.contents import Contents
from lightship.debs.index import PackageIndex, map_file
from lightship.debs.model import InstalledDeb, LockedDeb
from lightship.debs.release import Release
from lightship.debs.solve import solve
from lightship.debs.sources import DebianSource
from lightship.debs.store import IndexStore
from lightship.digest import Digest, of_value
from lightship.errors import ResolutionError
from lightship.platform import Platform

_PYTHON = re.compile(r"python(3\.\d+)-minimal")


@dataclass(frozen=True, slots=True)
class Suite:
    """Verified indexes of a suite; `name` is its code name, `digest` stands for what the indexes say."""

    name: str
    platform: Platform
    digest: Digest
    index: PackageIndex
    contents: Contents

    def resolve(self, names: Sequence[str], installed: Sequence[InstalledDeb] = ()) -> tuple[LockedDeb, ...]:
        """Resolve packages and everything they need, less what is installed already; sorted by name.

        Raises:
            ResolutionError: a package that does not exist or cannot be satisfied.

        """
        _check_pythons(names, self.name, self.index)
        found = solve(self.index, names, architecture=self.platform.debian, installed=installed)
        return tuple(package.deb for package in found)


def open_suite(name: str, *, platform: Platform, sources: Sequence[DebianSource], store: IndexStore) -> Suite:
    """Read the indexes of a suite's archives, `main` first; the newest version among them wins.

    Raises:
        IntegrityError: an index whose signature, digest or age is not right.
        NetworkError: a mirror that cannot be read.
        UsageError: gpgv or the keyring is missing.

    """
    with ThreadPoolExecutor() as pool:
        releases = list(pool.map(store.release, sources))
    files = [file for release in releases for file in _packages(release, platform, store)]
    digest = of_value([[archive, path.name] for archive, path in files])  # the store names files by digest
    index = PackageIndex([(archive, map_file(path)) for archive, path in files])
    return Suite(name, platform, digest, index, Contents(store, releases[0], platform))


def _packages(release: Release, platform: Platform, store: IndexStore) -> Iterable[tuple[str, Path]]:
    for component in release.source.components:
        yield release.source.archive, store.packages(release, component, platform.debian)


def _check_pythons(names: Sequence[str], suite: str, index: PackageIndex) -> None:
    for name in names:
        asked = _PYTHON.fullmatch(name)
        if asked and not index.candidates(name):
            known = set(index.names())
            minors = sorted(int(found[1][2:]) for each in known if (found := _PYTHON.fullmatch(each)))
            there = " and ".join(f"3.{minor}" for minor in minors) or "no Python"
            raise ResolutionError(
                f"{suite} has no Python {asked[1]}; it has {there}",
                hint=f"set `python` to {there}, or choose a Debian release that has {asked[1]}",
            )
