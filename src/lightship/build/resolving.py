"""Ask the resolvers, Debian's and Python's, for what a project needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightship.build.machine import Machine
from lightship.debs.lock import python_packages
from lightship.debs.sources import DebianSource, find_sources
from lightship.debs.store import IndexStore
from lightship.debs.suite import Suite, open_suite
from lightship.platform import Platform
from lightship.project.detect import Project
from lightship.project.inputs import uses_pyproject
from lightship.wheels.lock import lock_path
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_platforms
from lightship.wheels.sizes import with_local_sizes

MIRROR_VARIABLE = "LIGHTSHIP_DEBIAN_MIRROR"


def debian_sources(suite: str, configured: str, machine: Machine) -> tuple[DebianSource, ...]:
    """Find a suite's mirrors: the environment's, the configuration's, else those of the host's apt."""
    return find_sources(suite, configured=machine.environ.get(MIRROR_VARIABLE) or configured or None)


def open_debian(suite: str, project: Project, platform: Platform, machine: Machine) -> Suite:
    """Read the indexes of a suite, from the project's mirror."""
    sources = debian_sources(suite, project.config.debian_mirror, machine)
    store = IndexStore(
        machine.transport, machine.home.indexes, machine.clock, machine.reporter, machine.offline
    )
    return open_suite(suite, platform=platform, sources=sources, store=store)


def root_packages(project: Project) -> tuple[str, ...]:
    """Name what an image has without its wheels: Python, and the project's `runtime-packages`."""
    return (*python_packages(project.config.python), *project.config.runtime_packages)


def resolve_python(
    project: Project,
    variant: str,
    glibc: Mapping[Platform, tuple[int, int]],
    machine: Machine,
    *,
    upgrade: bool,
) -> str:
    """Resolve a variant's requirements for every platform and its glibc, as the text of one PEP 751 lock."""
    requests = [
        python_request(
            project,
            variant,
            platform,
            glibc=version,
            upgrade=upgrade,
            offline=machine.offline,
        )
        for platform, version in glibc.items()
    ]
    text = resolve_platforms(requests, pip=machine.pip, environ=machine.environ, reporter=machine.reporter)
    return with_local_sizes(text)


def python_request(
    project: Project,
    variant: str,
    platform: Platform,
    *,
    glibc: tuple[int, int] = (2, 36),
    upgrade: bool = False,
    offline: bool = False,
) -> ResolveRequest:
    """Put a variant's requirements as a question to the resolver."""
    wanted = project.variant(variant)
    path = lock_path(project.folder, variant)
    return ResolveRequest(
        folder=project.folder,
        python=project.config.python,
        platform=platform,
        glibc=glibc,
        requirements=tuple(Path(name) for name in wanted.requirements),
        pyproject=Path("pyproject.toml") if uses_pyproject(wanted) else None,
        extras=wanted.extras,
        torch=wanted.torch,
        lock=path if path.is_file() else None,
        upgrade=upgrade,
        offline=offline,
    )
