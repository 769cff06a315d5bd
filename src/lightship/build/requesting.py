"""Ask Python's resolver for what a project needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightship.build.machine import Machine
from lightship.platform import Platform
from lightship.project.detect import Project
from lightship.project.inputs import uses_pyproject
from lightship.wheels.lock import lock_path
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_platforms
from lightship.wheels.sizes import with_local_sizes


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
    text = resolve_platforms(
        requests,
        pip=machine.pip,
        environ=machine.environ,
        reporter=machine.reporter,
        digest_of=machine.file_digests,
    )
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
