"""Ask the resolvers, Debian's and Python's, for what a project needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightship.build.machine import Machine
from lightship.debs.lock import glibc_version, python_packages, resolve_debs
from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource, find_sources
from lightship.platform import Platform
from lightship.project.detect import Project, debian_suite
from lightship.project.inputs import uses_pyproject
from lightship.wheels.lock import lock_path
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_platforms
from lightship.wheels.sizes import with_local_sizes

WHEEL_PACKAGES = ("libgcc-s1", "libstdc++6")
"""What manylinux wheels may use of the system beyond the C library (PEP 600, auditwheel's policy)."""
MIRROR_VARIABLE = "LIGHTSHIP_DEBIAN_MIRROR"


def debian_sources(suite: str, configured: str, machine: Machine) -> tuple[DebianSource, ...]:
    """Find a suite's mirrors: the environment's, the configuration's, else those of the host's apt."""
    return find_sources(suite, configured=machine.environ.get(MIRROR_VARIABLE) or configured or None)


def resolve_debian(project: Project, platform: Platform, machine: Machine) -> tuple[LockedDeb, ...]:
    """Resolve the base's packages, what wheels need of the system, and the project's `runtime-packages`."""
    config = project.config
    suite = debian_suite(config.base)
    return resolve_debs(
        (*python_packages(config.python), *WHEEL_PACKAGES, *config.runtime_packages),
        suite=suite,
        platform=platform,
        sources=debian_sources(suite, config.debian_mirror, machine),
        transport=machine.transport,
        cache=machine.home.indexes,
        clock=machine.clock,
        reporter=machine.reporter,
        offline=machine.offline,
    )


def resolve_python(
    project: Project,
    variant: str,
    debs: Mapping[Platform, tuple[LockedDeb, ...]],
    machine: Machine,
    *,
    upgrade: bool,
) -> str:
    """Resolve a variant's requirements for every platform, as the text of one PEP 751 lock."""
    requests = [
        python_request(
            project,
            variant,
            platform,
            glibc=glibc_version(packages),
            upgrade=upgrade,
            offline=machine.offline,
        )
        for platform, packages in debs.items()
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
