"""Ask Python's resolver for what a project needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from lightship.build.machine import Machine
from lightship.debs.lock import glibc_version
from lightship.errors import ResolutionError
from lightship.platform import Platform
from lightship.project.detect import Project, is_suite
from lightship.project.inputs import uses_pyproject
from lightship.wheels.lock import Lock, lock_path
from lightship.wheels.request import ResolveRequest
from lightship.wheels.resolve import resolve_platforms
from lightship.wheels.sizes import with_local_sizes
from lightship.wheels.uv import find_uv

GlibcOf: TypeAlias = Mapping[Platform, tuple[int, int]]
Answer: TypeAlias = Callable[[GlibcOf], str]


@contextmanager
def python_answer(
    project: Project, variant: str, before: Lock | None, machine: Machine, *, upgrade: bool
) -> Iterator[Answer]:
    """Give `resolve_python`, which has begun: for the glibc that the base had in the lock `before`.

    So the resolver waits for indexes while the base is read, and begins anew only if that is another.
    """
    expected = _glibc_in(before, project)
    find_uv()  # here, for it asks sysconfig, which no two threads may ask first (python/cpython#92452)
    with ThreadPoolExecutor(1) as pool:
        early = (
            pool.submit(resolve_python, project, variant, expected, machine, upgrade=upgrade)
            if expected
            else None
        )

        def answer(glibc: GlibcOf) -> str:
            if early is not None and glibc == expected:
                return early.result()
            return resolve_python(project, variant, glibc, machine, upgrade=upgrade)

        yield answer


def _glibc_in(before: Lock | None, project: Project) -> GlibcOf:
    """Tell the glibc of a lock's base, for all platforms of a project or for none."""
    if before is None or before.base != project.config.base or not is_suite(before.base):
        return {}
    try:
        return {platform: glibc_version(before.debs.get(platform, ())) for platform in project.platforms}
    except ResolutionError:
        return {}


def resolve_python(
    project: Project,
    variant: str,
    glibc: GlibcOf,
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
