"""The builds of a plan, carried out on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from lightship.build.baseimage import plan_suite
from lightship.build.bases import Base
from lightship.build.builders import resolve_requirements
from lightship.build.diagnose import Missing
from lightship.build.failure import Finder
from lightship.build.fetching import Fetcher
from lightship.build.machine import Machine
from lightship.build.resolving import debian_sources
from lightship.build.sandbox import Sandbox
from lightship.build.suggest import Suggester
from lightship.build.wheelhouse import BuilderRoot, FetchFiles, Tools, Wheelhouse
from lightship.debs.contents import Contents
from lightship.debs.lock import glibc_version, python_full_version
from lightship.debs.model import LockedDeb
from lightship.debs.store import IndexStore
from lightship.errors import LightshipError, StageError, UsageError
from lightship.plan.model import Plan
from lightship.project.detect import Project
from lightship.wheels.lock import LockedBuilder
from lightship.wheels.model import LockedSdist, LockedWheel, SourceBuild
from lightship.wheels.uv import find_uv


def builder_root(project: Project, plan: Plan, packages: tuple[LockedDeb, ...]) -> BuilderRoot:
    """Describe the root of `packages` that a plan's wheels are built in."""
    suite = plan_suite(project, plan)
    if plan.base:
        return BuilderRoot(packages, plan.platform, plan.base.python, plan.base.glibc, suite)
    python, glibc = python_full_version(plan.debs), glibc_version(plan.debs)
    return BuilderRoot(packages, plan.platform, python, glibc, suite)


def root_on(base: Base, builder: LockedBuilder | None) -> BuilderRoot:
    """Describe the root that is locked for what is built on a base; an empty one where nothing is."""
    python, glibc = base.python_full, base.glibc
    if builder is None:
        return BuilderRoot((), base.platform, python, glibc)
    return BuilderRoot(builder.debian, base.platform, python, glibc, base.builder_suite())


def build_wheels(
    project: Project,
    variant: str,
    builds: Sequence[SourceBuild],
    root: BuilderRoot,
    *,
    machine: Machine,
    fetch: FetchFiles,
) -> tuple[LockedWheel, ...]:
    """Build what has no wheel, or find what was built before; the wheels lie in the cache of archives.

    Raises:
        StageError: if a build fails (`MissingPackageError` where a Debian package would help).
        UsageError: without bubblewrap, or for a platform that this machine does not run.
        NetworkError, IntegrityError: if something that a build needs cannot be had.

    """
    if not builds:
        return ()
    return _wheelhouse(project, variant, root, machine, fetch).build_all(builds, root)


def unbuilt(
    project: Project, variant: str, builds: Sequence[SourceBuild], root: BuilderRoot, machine: Machine
) -> tuple[LockedSdist, ...]:
    """Give what `build_wheels` would have to build."""
    house = _wheelhouse(project, variant, root, machine, Fetcher(project, machine, root.suite))
    return tuple(build.sdist for build in house.unbuilt(builds, root))


def _wheelhouse(
    project: Project, variant: str, root: BuilderRoot, machine: Machine, fetch: FetchFiles
) -> Wheelhouse:
    def resolve(requirements: tuple[str, ...]) -> tuple[LockedWheel, ...]:
        return resolve_requirements(requirements, project, variant, root, machine)

    return Wheelhouse(
        home=machine.home,
        tools=_tools(machine),
        fetch=fetch,
        resolve=resolve,
        find=package_finder(project, root, machine),
        reporter=machine.reporter,
        seconds=machine.build_seconds,
    )


def package_finder(project: Project, root: BuilderRoot, machine: Machine) -> Finder:
    """Give the function that finds the Debian package of what a build missed, by the suite's Contents."""

    def find(missing: Sequence[Missing]) -> tuple[Missing, str] | None:
        present = frozenset(deb.name for deb in root.packages)
        try:
            return Suggester(_contents(project, root, machine), present)(missing)
        except LightshipError:  # without the index, that the build failed is still what matters
            return None

    return find


def build_for_libraries(
    project: Project,
    variant: str,
    builder: LockedBuilder | None,
    sdists: Sequence[LockedSdist],
    root: BuilderRoot,
    machine: Machine,
) -> tuple[LockedWheel, ...]:
    """Build what has no wheel while a lock is made: which libraries it needs is known only then.

    What cannot be built here and now is warned of, and left to the build of the image, which fails with all
    that there is to say.
    """
    if builder is None:
        return ()
    builds = [SourceBuild(sdist, builder.requires[sdist.name]) for sdist in sdists]
    fetch = Fetcher(project, machine, root.suite)
    try:
        return build_wheels(project, variant, builds, root, machine=machine, fetch=fetch)
    except (StageError, UsageError) as error:
        names = ", ".join(sdist.name for sdist in sdists)
        machine.reporter.warn(f"the libraries that {names} may need are not locked: {error.message}")
        return ()


def _tools(machine: Machine) -> Tools:
    search = machine.environ.get("PATH", "")
    return Tools(lambda: Sandbox.find(search).bwrap, find_uv(), version("uv"))


def _contents(project: Project, root: BuilderRoot, machine: Machine) -> Contents:
    config = project.config
    sources = debian_sources(root.suite, config.debian_mirror, machine)
    store = IndexStore(
        machine.transport, machine.home.indexes, machine.clock, machine.reporter, machine.offline
    )
    suite = next(source for source in sources if source.archive == "main")
    return Contents(store, store.release(suite), root.platform)
