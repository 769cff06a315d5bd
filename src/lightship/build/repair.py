"""Builds that mend the configuration as they go: a Debian package that is missing is added."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lightship.build.failure import MissingPackageError
from lightship.events import Reporter
from lightship.project.detect import Project, read_project
from lightship.project.edit import add_build_package

Result = TypeVar("Result")
MOST_ROUNDS = 10
"""Packages that are added at most: each is one more attempt."""


def mending(project: Project, attempt: Callable[[Project], Result], reporter: Reporter) -> Result:
    """Call `attempt`; each time it misses a Debian package, add that to `build-packages` and call it again.

    Raises:
        LightshipError: what `attempt` raises otherwise, or when a package that was added did not help.

    """
    for _ in range(MOST_ROUNDS):
        try:
            return attempt(project)
        except MissingPackageError as error:
            if error.package in project.config.build_packages:
                raise
            file = add_build_package(project.folder, project.file, error.package)
            reporter.warn(f"{error.message}: added to build-packages in {file}")
        project = read_project(project.folder)
    return attempt(project)
