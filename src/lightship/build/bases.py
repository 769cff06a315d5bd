"""What images stand on, as a lock is made: it knows what is there, and which packages can join it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from lightship.build.machine import Machine
from lightship.build.resolving import open_debian, root_packages
from lightship.debs.lock import glibc_version, python_full_version
from lightship.debs.model import LockedDeb
from lightship.debs.suite import Suite
from lightship.platform import Platform
from lightship.project.detect import Project


class Base(Protocol):
    """What images of one platform stand on.

    `suite` has the packages that can join it, `installed` names those that it has, `libraries` the shared
    libraries that its loader finds; what the packages to come bring does not count.
    """

    @property
    def platform(self) -> Platform: ...
    @property
    def python_full(self) -> str: ...
    @property
    def glibc(self) -> tuple[int, int]: ...
    @property
    def suite(self) -> Suite: ...
    @property
    def builder_suite(self) -> str: ...
    @property
    def installed(self) -> Collection[str]: ...
    @property
    def libraries(self) -> Collection[str]: ...

    @property
    def debs(self) -> tuple[LockedDeb, ...]:
        """Packages that are in an image before any wheel asks for one."""

    def with_packages(self, names: Collection[str]) -> tuple[LockedDeb, ...]:
        """Resolve them anew, with more.

        Raises:
            ResolutionError: a package that does not exist or cannot be satisfied.

        """


@dataclass(frozen=True)
class SuiteBase:
    """A base that is made from the packages of a Debian suite: `roots`, and what they need."""

    suite: Suite
    roots: tuple[str, ...]
    installed: Collection[str] = frozenset()
    libraries: Collection[str] = frozenset()

    @property
    def platform(self) -> Platform:
        return self.suite.platform

    @property
    def python_full(self) -> str:
        return python_full_version(self.debs)

    @property
    def glibc(self) -> tuple[int, int]:
        return glibc_version(self.debs)

    @property
    def builder_suite(self) -> str:
        return self.suite.name

    @cached_property
    def debs(self) -> tuple[LockedDeb, ...]:
        return self.suite.resolve(self.roots)

    def with_packages(self, names: Collection[str]) -> tuple[LockedDeb, ...]:
        return self.suite.resolve((*self.roots, *sorted(names))) if names else self.debs


Bases = Mapping[Platform, Base]


def open_base(project: Project, platform: Platform, machine: Machine) -> Base:
    """Read what the project's image stands on.

    Raises:
        NetworkError, IntegrityError: if the Debian index cannot be had or trusted.

    """
    return SuiteBase(open_debian(project, platform, machine), root_packages(project))
