"""What images stand on, as a lock is made: it knows what is there, and which packages can join it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from lightship import __version__
from lightship.build.baseimage import read_base
from lightship.build.cache import Memo
from lightship.build.interpreter import Interpreter
from lightship.build.machine import Machine
from lightship.build.resolving import open_debian, root_packages
from lightship.debs.lock import glibc_version, python_full_version
from lightship.debs.model import LockedDeb
from lightship.debs.suite import Suite
from lightship.digest import Digest, of_value
from lightship.errors import UsageError
from lightship.plan.base import BaseImage
from lightship.platform import Platform
from lightship.project.detect import SUITES, Project, debian_suite


class Base(Interpreter, Protocol):
    """What images of one platform stand on.

    `suite` has the packages that can join it, if any can; `installed` names those that it has, `libraries`
    the shared libraries that its loader finds. What the packages to come bring does not count in either.
    """

    @property
    def suite(self) -> Suite | None: ...
    @property
    def installed(self) -> Collection[str]: ...
    @property
    def libraries(self) -> Collection[str]: ...

    def builder_suite(self) -> str:
        """Name the suite with the compilers for the base's Python.

        Raises:
            UsageError: if there is none.

        """

    @property
    def debs(self) -> tuple[LockedDeb, ...]:
        """Packages that are in an image, or join it, before any wheel asks for one."""

    def with_packages(self, names: Collection[str]) -> tuple[LockedDeb, ...]:
        """Resolve them anew, with more.

        Raises:
            ResolutionError: a package that does not exist or cannot be satisfied.

        """

    def joined_by(self, names: Collection[str]) -> Base:
        """Give the base with more packages that are there before any wheel asks for one."""


@dataclass(frozen=True)
class SuiteBase:
    """A base that is made from the packages of a Debian suite: `roots`, and what they need.

    `locked` has them where they are locked already; what was resolved from the same indexes is in `memo`.
    """

    suite: Suite
    roots: tuple[str, ...]
    memo: Memo
    locked: tuple[LockedDeb, ...] = ()
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

    def builder_suite(self) -> str:
        return self.suite.name

    @cached_property
    def debs(self) -> tuple[LockedDeb, ...]:
        return self.locked or self._resolve(self.roots)

    def with_packages(self, names: Collection[str]) -> tuple[LockedDeb, ...]:
        return self._resolve((*self.roots, *sorted(names))) if names else self.debs

    def joined_by(self, names: Collection[str]) -> SuiteBase:
        return replace(self, roots=(*self.roots, *sorted(names)), locked=())

    def _resolve(self, names: tuple[str, ...]) -> tuple[LockedDeb, ...]:
        key = of_value([__version__, self.suite.digest, str(self.platform), names])
        return self.memo.get_or_make(key, tuple[LockedDeb, ...], lambda: self.suite.resolve(names))


@dataclass(frozen=True)
class ImageBase:
    """A base that is an image; `open_suite` reads the suite of its Debian release, `roots` join it."""

    image: BaseImage
    platform: Platform
    roots: tuple[str, ...]
    open_suite: Callable[[str], Suite]

    @property
    def python_full(self) -> str:
        return self.image.python.version

    @property
    def glibc(self) -> tuple[int, int]:
        return self.image.facts.glibc

    @property
    def installed(self) -> Collection[str]:
        return frozenset(package.name for package in self.image.facts.packages)

    @property
    def libraries(self) -> Collection[str]:
        return frozenset(self.image.facts.libraries)

    @cached_property
    def suite(self) -> Suite | None:
        facts = self.image.facts
        return self.open_suite(facts.debian) if facts.debian and facts.is_merged else None

    def builder_suite(self) -> str:
        facts, minor = self.image.facts, self.image.python.minor
        if not facts.debian or SUITES.get(minor) != facts.debian:
            system = " ".join(filter(None, (facts.os_id, facts.codename or facts.os_version))) or "unknown"
            suite = f'base = "debian:{SUITES[minor]}"' if minor in SUITES else "another Python"
            raise UsageError(
                f"distributions without a wheel cannot be built for Python {minor} on this base ({system})",
                where=self.image.reference,
                hint=f"require versions that have wheels, or set {suite}",
            )
        return facts.debian

    @cached_property
    def debs(self) -> tuple[LockedDeb, ...]:
        return self._resolve(self.roots)

    def with_packages(self, names: Collection[str]) -> tuple[LockedDeb, ...]:
        return self._resolve((*self.roots, *sorted(names))) if names else self.debs

    def joined_by(self, names: Collection[str]) -> ImageBase:
        return replace(self, roots=(*self.roots, *sorted(names)))

    def _resolve(self, names: Sequence[str]) -> tuple[LockedDeb, ...]:
        if not names:
            return ()
        if self.suite is None:
            raise UsageError(
                f"the base is no Debian release that packages can join: {', '.join(names)}",
                where=self.image.reference,
                hint="use an image that has them, and leave `runtime-packages` empty",
            )
        return self.suite.resolve(names, self.image.facts.packages)


Bases = Mapping[Platform, Base]


def open_base(
    project: Project,
    platform: Platform,
    digest: Digest | None,
    machine: Machine,
    locked: tuple[LockedDeb, ...] = (),
) -> Base:
    """Read what the project's image stands on; `digest` pins it where it is an image.

    `locked` are its packages where a lock has them.

    Raises:
        UsageError: if the project's Python does not run on it.
        NetworkError, IntegrityError: if it, or the Debian index, cannot be had or trusted.

    """

    def open_suite(name: str) -> Suite:
        return open_debian(name, project, platform, machine)

    if digest is not None:
        image = read_base(project, platform, digest, machine)
        return ImageBase(image, platform, project.config.runtime_packages, open_suite)
    suite = open_suite(debian_suite(project.config.base))
    return SuiteBase(suite, root_packages(project), Memo(machine.home.cache / "debian"), locked)
