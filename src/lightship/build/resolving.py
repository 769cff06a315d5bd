"""Ask Debian's resolver for what a project needs."""

from __future__ import annotations

from lightship.build.machine import Machine
from lightship.debs.lock import python_packages
from lightship.debs.sources import DebianSource, find_sources
from lightship.debs.store import IndexStore
from lightship.debs.suite import Suite, open_suite
from lightship.platform import Platform
from lightship.project.detect import Project

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
