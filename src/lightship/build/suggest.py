"""The Debian package that has what a build missed, from the suite's Contents index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lightship.build.diagnose import Missing
from lightship.debs.contents import Owner

_MOST = 12
"""A log may name hundreds of things that a configuration script looked for."""
_USUAL = ("usr/include/", "usr/lib/", "usr/bin/")


class Paths(Protocol):
    """Finds owners of paths, as `debs.contents.Contents` does."""

    def find_paths(self, names: Iterable[str]) -> Mapping[str, tuple[Owner, ...]]: ...


@dataclass(frozen=True, slots=True)
class Suggester:
    """Looks packages up; those in `present`, which the builder has already, are no answer."""

    contents: Paths
    present: Collection[str]

    def __call__(self, missing: Sequence[Missing]) -> tuple[Missing, str] | None:
        """Name the best package for the first thing that any has.

        Raises:
            NetworkError, IntegrityError: if the index cannot be had, or trusted.

        """
        asked = missing[:_MOST]
        owners = self.contents.find_paths({path for each in asked for path in each.paths()})
        for each in asked:
            package = best_package(each, owners)
            if package is not None and package not in self.present:
                return each, package
        return None


def best_package(missing: Missing, owners: Mapping[str, tuple[Owner, ...]]) -> str | None:
    """Choose among the packages that have it: a plain place before a remote one, `-dev` before others."""
    found = [
        (order, owner)
        for order, path in enumerate(missing.paths())
        for owner in owners.get(path, ())
        if owner.path.startswith(_USUAL)
    ]
    return min(found, key=lambda pair: _rank(missing, *pair))[1].package if found else None


def _rank(missing: Missing, order: int, owner: Owner) -> tuple[object, ...]:
    return (
        owner.package != missing.name,  # cargo is in cargo
        missing.what == "header" and not owner.path.startswith("usr/include/"),
        owner.path.count("/") - owner.path.count("-linux-gnu/"),  # multiarch folders are plain places
        order,
        not owner.package.endswith("-dev"),
        len(owner.package),
        owner.package,
    )
