"""Targets in a lock: resolved on top of production's versions, which they never change."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.markers import Marker

from lightship.build.builders import lock_builders
from lightship.build.compiling import build_for_libraries
from lightship.build.inputs import target_inputs
from lightship.build.libraries import SystemPackages, add_libraries
from lightship.build.machine import Machine
from lightship.build.resolving import open_debian, python_request
from lightship.build.wheelhouse import BuilderRoot
from lightship.debs.lock import glibc_version, python_full_version
from lightship.debs.model import LockedDeb
from lightship.debs.suite import Suite
from lightship.errors import LightshipError, ResolutionError, UsageError
from lightship.events import SilentReporter
from lightship.fs.atomic import write_bytes
from lightship.platform import Platform
from lightship.project.detect import Project
from lightship.project.targets import Target, find_target
from lightship.wheels.complaint import UnsatisfiableError
from lightship.wheels.groups import add_groups, without_packages
from lightship.wheels.lock import Lock, LockedTarget, LockTable, parse_lock, render_lock
from lightship.wheels.merge import merge_pylocks
from lightship.wheels.model import LockedSdist, LockedWheel
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_each
from lightship.wheels.select import usable_distributions
from lightship.wheels.sizes import with_local_sizes


def lock_targets(
    pylock: str,
    table: LockTable,
    project: Project,
    names: Mapping[str, bool],
    machine: Machine,
    *,
    upgrade: bool = False,
) -> str:
    """Add targets to a lock of production (`pylock` and `table`), and give the text of the whole.

    `names` says of each target whether it must be there: of another that does not resolve, a warning tells.

    Raises:
        ResolutionError: if packages cannot be found, or do not fit production's.
        NetworkError, IntegrityError: if an index cannot be had or trusted.

    """
    suites = {platform: open_debian(project, platform, machine) for platform in table.platforms if names}
    additions: dict[str, str] = {}
    targets: dict[str, LockedTarget] = {}
    for name, is_wanted in sorted(names.items()):
        try:
            target = find_target(project, name)
            text = _resolve(pylock, table, project, target, machine, upgrade=upgrade)
            lock = parse_lock(render_lock(add_groups(pylock, {name: text}), table))
            targets[name] = _System(project, lock, suites, target, machine).locked()
            additions[name] = text
        except (ResolutionError, UsageError) as error:
            if is_wanted:
                raise
            machine.reporter.warn(f"target {name} is not locked any more: {error.message}")
    return render_lock(add_groups(pylock, additions), replace(table, targets=targets))


def _resolve(
    pylock: str, table: LockTable, project: Project, target: Target, machine: Machine, *, upgrade: bool
) -> str:
    """Resolve what a target has on top, as a PEP 751 text that leaves out what production has."""
    production = tomllib.loads(pylock).get("packages", [])
    if not target.requirements:
        return 'lock-version = "1.0"\n'
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        pins = Path(scratch, "production.txt")
        write_bytes(pins, "".join(f"{line}\n" for line in _pins(production)).encode())
        requests = [
            _request(project, table, target, platform, pins, machine, upgrade=upgrade)
            for platform in table.platforms
        ]
        try:
            texts = resolve_each(
                requests, pip=machine.pip, environ=machine.environ, reporter=machine.reporter
            )
        except UnsatisfiableError as error:
            raise _explained(error, requests, target, machine) from error
    own = {platform: without_packages(text, _names(production, platform)) for platform, text in texts.items()}
    return with_local_sizes(merge_pylocks(own))


def _request(
    project: Project,
    table: LockTable,
    target: Target,
    platform: Platform,
    pins: Path,
    machine: Machine,
    *,
    upgrade: bool,
) -> ResolveRequest:
    glibc = glibc_version(table.debs[platform])
    asked = python_request(
        project, table.variant, platform, glibc=glibc, upgrade=upgrade, offline=machine.offline
    )
    files = tuple(Path(name) for name in target.requirements)
    return replace(asked, requirements=(*asked.requirements, *files), constraints=(pins,))


def _pins(packages: Iterable[Mapping[str, str]]) -> Iterator[str]:
    for package in packages:
        if "version" in package and not package.keys() & {"vcs", "directory", "archive"}:
            marker = f" ; {package['marker']}" if "marker" in package else ""
            yield f"{package['name']}=={package['version']}{marker}"


def _names(packages: Iterable[Mapping[str, str]], platform: Platform) -> set[str]:
    here = {"platform_machine": platform.machine}
    return {
        package["name"]
        for package in packages
        if "marker" not in package or Marker(package["marker"]).evaluate(here)
    }


def _explained(
    error: UnsatisfiableError, requests: list[ResolveRequest], target: Target, machine: Machine
) -> ResolutionError:
    """Tell a conflict with production from requirements that nothing satisfies anyway."""
    files = tuple(Path(name) for name in target.requirements)
    alone = [
        replace(request, requirements=files, constraints=(), pyproject=None, extras=())
        for request in requests
    ]
    try:
        resolve_each(alone, pip=machine.pip, environ=machine.environ, reporter=SilentReporter())
    except LightshipError:
        return error
    return ResolutionError(
        f"the requirements of target {target.name!r} conflict with production's: {error.message}",
        where=", ".join(str(requests[0].folder / file) for file in files),
        hint="loosen them; or change production's own requirements, and run `lightship lock --upgrade`",
        detail=error.detail,
    )


@dataclass(frozen=True, slots=True)
class _System:
    """Finds the Debian packages of one target; `lock` has the Python packages of all."""

    project: Project
    lock: Lock
    suites: Mapping[Platform, Suite]
    target: Target
    machine: Machine

    def locked(self) -> LockedTarget:
        groups = frozenset({self.target.name})
        builders = lock_builders(self.project, self.lock.variant, self.lock, self.machine, groups)
        found: dict[Platform, SystemPackages] = {}
        for platform in self.lock.platforms:
            debs = self.lock.debs[platform]
            python, glibc = python_full_version(debs), glibc_version(debs)
            below, sdists = self._distributions(platform, frozenset())
            wheels, every = self._distributions(platform, groups)
            own = tuple(sdist for sdist in every if sdist not in sdists)
            builder = builders.get(platform)
            root = BuilderRoot(builder.debian if builder else (), platform, python, glibc)
            built = build_for_libraries(self.project, self.lock.variant, builder, own, root, self.machine)
            added = (*(wheel for wheel in wheels if wheel not in below), *built)
            found[platform] = self._packages(platform, added, below)
        for warning in dict.fromkeys(line for system in found.values() for line in system.warnings):
            self.machine.reporter.warn(f"target {self.target.name}: {warning}")
        return LockedTarget(
            inputs=target_inputs(self.project, self.target, self.machine),
            debs={platform: self._own(system.debs, platform) for platform, system in found.items()},
            libraries={platform: system.libraries for platform, system in found.items()},
            builders=builders,
        )

    def _distributions(
        self, platform: Platform, groups: frozenset[str]
    ) -> tuple[tuple[LockedWheel, ...], tuple[LockedSdist, ...]]:
        debs = self.lock.debs[platform]
        return usable_distributions(
            self.lock,
            platform=platform,
            python_full=python_full_version(debs),
            glibc=glibc_version(debs),
            groups=groups,
        )

    def _packages(
        self, platform: Platform, wheels: tuple[LockedWheel, ...], below: tuple[LockedWheel, ...]
    ) -> SystemPackages:
        """Choose packages beside all of production's, so that none is chosen that excludes one of those."""
        roots = (*(deb.name for deb in self.lock.debs[platform]), *self.target.packages)
        return add_libraries(self.suites[platform], roots, wheels, self.machine, beside=below)

    def _own(self, debs: Iterable[LockedDeb], platform: Platform) -> tuple[LockedDeb, ...]:
        there = {deb.name: deb.version for deb in self.lock.debs[platform]}
        own = tuple(deb for deb in debs if deb.name not in there)
        check_fit(self.suites[platform], own, there)
        return own


def check_fit(suite: Suite, own: Collection[LockedDeb], there: Mapping[str, str]) -> None:
    """See that packages can do with those that are `there` in a version that was locked before.

    Raises:
        ResolutionError: if one was chosen to go with a newer version.

    """
    names = {deb.name for deb in own}
    for package in (suite.index.candidates(deb.name)[0] for deb in own):
        for group in package.depends:
            older = [each for each in group if each.name in there and not each.admits(there[each.name])]
            met = any(each.name in names or each.name in there for each in group if each not in older)
            if older and not met:
                raise ResolutionError(
                    f"{package.name} {package.version} needs {older[0]}, and production is locked with "
                    f"{there[older[0].name]}",
                    hint="run `lightship lock`: it takes newer Debian packages for production, too",
                )
