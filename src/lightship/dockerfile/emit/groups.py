"""What is fetched and installed together, so that a small change costs little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from lightship.dockerfile.emit.model import WHEELS, Group
from lightship.dockerfile.emit.requirements import Locked, requirements_text
from lightship.platform import Platform
from lightship.wheels.model import LockedWheel, SourceBuild

HEAVY = 10_000_000
"""Size in bytes of an archive from which a wheel counts as heavy: such ones change rarely, and cost most."""
SOURCE = "source"
KINDS = {
    "heavy": "Big wheels, which change rarely: fetched and installed apart, in a layer of their own.",
    SOURCE: "What has no wheel is built from its source.",
    WHEELS: "Wheels of the lock, each checked against its hash.",
}
"""In the order in which they are installed; the reason stands in the Dockerfile."""
_ByPlatform: TypeAlias = Mapping[Platform, Sequence[Locked]]


def archives(wheels: Iterable[LockedWheel], builds: Iterable[SourceBuild]) -> list[Locked]:
    """List wheels, and the sources of what is built first."""
    return [*wheels, *(build.sdist for build in builds)]


def groups_of(locked: Mapping[str, _ByPlatform], header: str) -> tuple[Group, ...]:
    """Divide what variants install, by variant and platform; a kind that no variant has is left out.

    A distribution is of one kind on all platforms of a variant, though their wheels differ in size.
    """
    sources = {archive.name for archive in _every(locked.values()) if not archive.filename.endswith(".whl")}
    kinds = {
        variant: {archive.name: _kind(archive, sources) for archive in _lightest_first(platforms)}
        for variant, platforms in locked.items()
    }
    groups = []
    for name, why in KINDS.items():
        texts = {
            variant: requirements_text(
                {
                    platform: [archive for archive in every if kinds[variant][archive.name] == name]
                    for platform, every in platforms.items()
                },
                header,
            )
            for variant, platforms in locked.items()
        }
        names = {
            variant: frozenset(found for found in kinds[variant] if kinds[variant][found] == name)
            for variant in locked
        }
        groups.append(Group(name, why, texts, names, sources=name == SOURCE))
    return tuple(group for group in groups if group.is_full or group.name == WHEELS)


def _kind(archive: Locked, sources: set[str]) -> str:
    if archive.name in sources:
        return SOURCE
    return "heavy" if archive.size >= HEAVY else WHEELS


def _lightest_first(platforms: _ByPlatform) -> list[Locked]:
    return sorted(_every([platforms]), key=lambda archive: archive.size)


def _every(locked: Iterable[_ByPlatform]) -> Iterator[Locked]:
    for platforms in locked:
        for found in platforms.values():
            yield from found
