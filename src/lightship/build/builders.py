"""What a lock says of builds: the builder's Debian packages, and the wheels that build backends need."""

from __future__ import annotations

from collections.abc import Mapping

from lightship.build.bases import Base, Bases
from lightship.build.interpreter import Interpreter
from lightship.build.machine import Machine
from lightship.build.resolving import debian_sources
from lightship.debs.lock import python_packages, resolve_debs
from lightship.debs.model import LockedDeb
from lightship.digest import of_bytes
from lightship.events import Reporter, SilentReporter
from lightship.platform import Platform
from lightship.project.detect import Project
from lightship.project.stages import stages_of
from lightship.wheels.fetch import fetch_wheels
from lightship.wheels.lock import Lock, LockedBuilder, LockTable, lock_of
from lightship.wheels.model import LockedSdist, LockedWheel
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_each
from lightship.wheels.sdist import build_requires
from lightship.wheels.select import NO_GROUPS, Groups, select_distributions, usable_distributions
from lightship.wheels.sizes import with_local_sizes


def lock_builders(
    project: Project,
    variant: str,
    lock: Lock,
    bases: Bases,
    machine: Machine,
    *,
    groups: Groups = NO_GROUPS,
) -> Mapping[Platform, LockedBuilder]:
    """Resolve a builder for every platform on which a distribution of the lock has no wheel, or a stage runs.

    With `groups`, it is for the distributions that these dependency groups add, and for no stage.

    Raises:
        ResolutionError: if a Debian package or a build requirement cannot be found.
        NetworkError, IntegrityError: if a source or an index cannot be had or trusted.

    """
    found = {}
    runs = not groups and any(stage.run for stage in stages_of(project.config, variant).values())
    for platform, target in bases.items():
        sdists = _sources(lock, target, groups)
        if sdists:
            requires = _static_requires(project, variant, target, sdists, machine)
            found[platform] = LockedBuilder(resolve_root(project, target, machine), requires)
        elif runs:
            found[platform] = LockedBuilder(resolve_root(project, target, machine))
    return found


def _sources(lock: Lock, interpreter: Interpreter, groups: Groups) -> tuple[LockedSdist, ...]:
    def named(groups: Groups) -> tuple[LockedSdist, ...]:
        found = usable_distributions(
            lock,
            platform=interpreter.platform,
            python_full=interpreter.python_full,
            glibc=interpreter.glibc,
            groups=groups,
        )
        return found.sdists

    there = named(NO_GROUPS) if groups else ()
    return tuple(sdist for sdist in named(groups) if sdist not in there)


def resolve_requirements(
    requirements: tuple[str, ...], project: Project, variant: str, interpreter: Interpreter, machine: Machine
) -> tuple[LockedWheel, ...]:
    """Resolve what a build backend needs to wheels for the builder's own Python.

    Raises:
        ResolutionError: if there are no such wheels; a build requirement is not itself built from source.

    """
    if not requirements:
        return ()
    request = ResolveRequest(
        folder=project.folder,
        python=project.config.python,
        platform=interpreter.platform,
        glibc=interpreter.glibc,
        inline=requirements,
        torch=project.variant(variant).torch,
        offline=machine.offline,
    )
    return select_wheels(request, interpreter.python_full, machine, SilentReporter())


def select_wheels(
    request: ResolveRequest, python_full: str, machine: Machine, reporter: Reporter
) -> tuple[LockedWheel, ...]:
    """Resolve requirements to wheels for a Python such as `3.11.2`.

    Raises:
        ResolutionError: if there are no such wheels.

    """
    platform = request.platform
    texts = resolve_each(
        [request],
        pip=machine.pip,
        environ=machine.environ,
        reporter=reporter,
        digest_of=machine.file_digests,
    )
    table = LockTable(
        variant="build", python=request.python, base="", inputs=of_bytes(b""), platforms=(platform,), debs={}
    )
    lock = lock_of(with_local_sizes(texts[platform]), table)
    found = select_distributions(
        lock, platform=platform, python_full=python_full, glibc=request.glibc, only_wheels=True
    )
    return found.wheels


def resolve_root(project: Project, base: Base, machine: Machine) -> tuple[LockedDeb, ...]:
    """Resolve the builder's root: compilers, and the project's `build-packages`."""
    from lightship.build.toolchain import toolchain_packages

    config = project.config
    suite = base.builder_suite()
    names = (*python_packages(config.python), *toolchain_packages(config.python))
    return resolve_debs(
        (*names, *config.build_packages),
        suite=suite,
        platform=base.platform,
        sources=debian_sources(suite, config.debian_mirror, machine),
        transport=machine.transport,
        cache=machine.home.indexes,
        clock=machine.clock,
        reporter=machine.reporter,
        offline=machine.offline,
    )


def _static_requires(
    project: Project,
    variant: str,
    interpreter: Interpreter,
    sdists: tuple[LockedSdist, ...],
    machine: Machine,
) -> dict[str, tuple[LockedWheel, ...]]:
    """Read and resolve `build-system.requires` of each; equal lists of requirements are asked for once."""
    paths = fetch_wheels(
        sdists,
        transport=machine.transport,
        archives=machine.home.archives,
        offline=machine.offline,
        reporter=machine.reporter,
        kind="sources",
    )
    asked = {sdist.name: build_requires(path, sdist) for sdist, path in paths.items()}
    answers = {
        requirements: resolve_requirements(requirements, project, variant, interpreter, machine)
        for requirements in dict.fromkeys(asked.values())
    }
    return {name: answers[requirements] for name, requirements in asked.items()}
