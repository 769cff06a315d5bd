"""Targets in a lock: resolved on top of production's versions, which they never change."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lightship.build.bases import Base, Bases
from lightship.build.builders import lock_builders
from lightship.build.inputs import target_inputs
from lightship.build.libraries import SystemPackages, add_libraries, built_for_libraries
from lightship.build.machine import Machine
from lightship.build.requesting import python_request
from lightship.debs.model import LockedDeb
from lightship.debs.suite import Suite
from lightship.errors import LightshipError, ResolutionError, UsageError
from lightship.events import Reporter, SilentReporter
from lightship.fs.atomic import write_bytes
from lightship.platform import Platform
from lightship.project.config import Config
from lightship.project.detect import Project
from lightship.project.targets import Target, find_target
from lightship.wheels.complaint import UnsatisfiableError
from lightship.wheels.groups import add_groups, installed_names, without_packages
from lightship.wheels.lock import Lock, LockedTarget, LockTable, lock_of, render_lock
from lightship.wheels.merge import merge_pylocks
from lightship.wheels.model import LockedSdist, LockedWheel
from lightship.wheels.preferences import preferred
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_each
from lightship.wheels.select import target_environment, usable_distributions
from lightship.wheels.sizes import with_local_sizes
from lightship.wheels.uv import find_uv

Answers = Mapping[str, "Future[str]"]
"""What targets have on top of production, by name: PEP 751 texts that may still be on their way."""


@contextmanager
def resolving(
    pylock: str,
    project: Project,
    variant: str,
    bases: Bases,
    names: Collection[str],
    machine: Machine,
    *,
    upgrade: bool = False,
) -> Iterator[Answers]:
    """Resolve targets on top of production's `pylock`, each in a thread: uv waits for indexes for long."""
    uv = find_uv()  # here, for it asks sysconfig, which no two threads may ask first (python/cpython#92452)

    def answer(name: str) -> str:
        target = find_target(project, name)
        return _resolve(pylock, variant, project, bases, target, machine, uv=uv, upgrade=upgrade)

    with ThreadPoolExecutor() as pool:
        yield {name: pool.submit(answer, name) for name in names}


def lock_targets(
    pylock: str,
    table: LockTable,
    project: Project,
    bases: Bases,
    answers: Answers,
    machine: Machine,
    *,
    wanted: Collection[str],
) -> str:
    """Add targets to a lock of production (`pylock` and `table`), and give the text of the whole.

    A target that is not `wanted` may be without an answer: a warning tells why.

    Raises:
        ResolutionError: if packages cannot be found, or do not fit production's.
        NetworkError, IntegrityError: if an index cannot be had or trusted.

    """
    additions: dict[str, str] = {}
    targets: dict[str, LockedTarget] = {}
    for name, answer in sorted(answers.items()):
        try:
            text, target = answer.result(), find_target(project, name)
            lock = lock_of(add_groups(pylock, {name: text}), table)
            targets[name] = _System(project, lock, bases, target, machine).locked()
            additions[name] = text
        except (ResolutionError, UsageError) as error:
            if name in wanted:
                raise
            machine.reporter.warn(f"target {name} is not locked any more: {error.message}")
    return render_lock(add_groups(pylock, additions), replace(table, targets=targets))


def _resolve(
    pylock: str,
    variant: str,
    project: Project,
    bases: Bases,
    target: Target,
    machine: Machine,
    *,
    uv: Path,
    upgrade: bool,
) -> str:
    """Resolve what a target has on top, as a PEP 751 text that leaves out what production has."""
    production = tomllib.loads(pylock).get("packages", [])
    if not target.requirements:
        return 'lock-version = "1.0"\n'
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        pins, kept = Path(scratch, "production.txt"), Path(scratch, "pylock.toml")
        write_bytes(pins, "".join(f"{line}\n" for line in _pins(production)).encode())
        requests = [
            _request(project, variant, target, base, pins, machine, upgrade=upgrade)
            for base in bases.values()
        ]
        write_bytes(kept, preferred(pylock, requests[0].lock).encode())
        requests = [replace(request, lock=kept) for request in requests]
        try:
            texts = resolve_each(
                requests,
                pip=machine.pip,
                environ=machine.environ,
                uv=uv,
                reporter=machine.reporter,
                digest_of=machine.file_digests,
            )
        except UnsatisfiableError as error:
            raise _explained(error, requests, target, machine) from error
    own = {}
    for platform, text in texts.items():
        there = target_environment(platform, bases[platform].python_full)
        own[platform] = without_packages(text, installed_names(production, there))
    return with_local_sizes(merge_pylocks(own))


def _request(
    project: Project,
    variant: str,
    target: Target,
    base: Base,
    pins: Path,
    machine: Machine,
    *,
    upgrade: bool,
) -> ResolveRequest:
    asked = python_request(
        project, variant, base.platform, glibc=base.glibc, upgrade=upgrade, offline=machine.offline
    )
    files = tuple(Path(name) for name in target.requirements)
    return replace(asked, requirements=(*asked.requirements, *files), constraints=(pins,))


def _pins(packages: Iterable[Mapping[str, str]]) -> Iterator[str]:
    for package in packages:
        if "version" in package and not package.keys() & {"vcs", "directory", "archive"}:
            marker = f" ; {package['marker']}" if "marker" in package else ""
            yield f"{package['name']}=={package['version']}{marker}"


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
    bases: Bases
    target: Target
    machine: Machine

    def locked(self) -> LockedTarget:
        groups = frozenset({self.target.name})
        builders = lock_builders(
            self.project, self.lock.variant, self.lock, self.bases, self.machine, groups=groups
        )
        found: dict[Platform, SystemPackages] = {}
        for platform, base in self.bases.items():
            below, sdists = self._distributions(base, frozenset())
            wheels, every = self._distributions(base, groups)
            own = tuple(sdist for sdist in every if sdist not in sdists)
            built = built_for_libraries(
                self.project, self.lock.variant, base, builders.get(platform), own, self.machine
            )
            added = (*(wheel for wheel in wheels if wheel not in below), *built)
            found[platform] = self._packages(base, added, below)
        for warning in dict.fromkeys(line for system in found.values() for line in system.warnings):
            self.machine.reporter.warn(f"target {self.target.name}: {warning}")
        return LockedTarget(
            inputs=target_inputs(self.project, self.target, self.machine),
            debs={platform: self._own(system.debs, platform) for platform, system in found.items()},
            libraries={platform: system.libraries for platform, system in found.items()},
            builders=builders,
        )

    def _distributions(
        self, base: Base, groups: frozenset[str]
    ) -> tuple[tuple[LockedWheel, ...], tuple[LockedSdist, ...]]:
        return usable_distributions(
            self.lock,
            platform=base.platform,
            python_full=base.python_full,
            glibc=base.glibc,
            groups=groups,
        )

    def _packages(
        self, base: Base, wheels: tuple[LockedWheel, ...], below: tuple[LockedWheel, ...]
    ) -> SystemPackages:
        """Choose packages beside all of production's, so that none is chosen that excludes one of those."""
        names = {deb.name for deb in self.lock.debs[base.platform]}.union(
            joining_packages(self.target, self.project.config, base, self.machine.reporter)
        )
        return add_libraries(base.joined_by(names), wheels, self.machine, beside=below)

    def _own(self, debs: Iterable[LockedDeb], platform: Platform) -> tuple[LockedDeb, ...]:
        there = {deb.name: deb.version for deb in self.lock.debs[platform]}
        own = tuple(deb for deb in debs if deb.name not in there)
        base = self.bases[platform]
        if own and base.suite:
            check_fit(base.suite, own, there, base.installed)
        return own


def joining_packages(target: Target, config: Config, base: Base, reporter: Reporter) -> Collection[str]:
    """Name the Debian packages that a target asks for; its default tools only where they can join the base.

    Raises:
        UsageError: if others cannot.

    """
    missing = [name for name in target.packages if name not in base.installed]
    if not missing or base.suite:
        return missing
    table, names = config.targets.get(target.name), ", ".join(missing)
    if table is None or table.packages is None:
        reporter.note(
            f"target {target.name} goes without {names}: the base is no Debian release that packages can join"
        )
        return ()
    raise UsageError(
        f"the base is no Debian release that packages can join, and target {target.name!r} asks for {names}",
        where=config.base,
        hint=f"use an image that has them, or set packages = [] in [tool.lightship.targets.{target.name}]",
    )


def check_fit(
    suite: Suite, own: Collection[LockedDeb], there: Mapping[str, str], installed: Collection[str] = ()
) -> None:
    """See that packages can do with those that are `there` in a version that was locked before.

    Those that are `installed` in the base they were resolved on.

    Raises:
        ResolutionError: if one was chosen to go with a newer version.

    """
    names = {deb.name for deb in own}.union(installed)
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
