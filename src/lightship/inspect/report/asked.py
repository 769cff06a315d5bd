"""What a project asks for by name: where the chains to its packages begin."""

from __future__ import annotations

from lightship.build.requesting import python_request
from lightship.inspect.report.dists import Asked
from lightship.platform import Platform
from lightship.project.detect import Project
from lightship.wheels.request import request_lines


def asked_for(project: Project, variant: str, platform: Platform) -> dict[str, Asked]:
    """Read a variant's requirements, by normalised name; the place of each is relative to the project.

    Raises:
        UsageError: if a requirement file cannot be read, or there is no such variant.

    """
    found: dict[str, Asked] = {}
    folder = project.folder
    for line in request_lines(python_request(project, variant or project.config.variant, platform)):
        if line.requirement is not None and not line.is_constraint:
            path = line.path.relative_to(folder) if line.path.is_relative_to(folder) else line.path
            where = f"{path}:{line.line}" if line.line else str(path)
            extras = frozenset(line.requirement.extras)
            earlier = found.get(line.name)
            found[line.name] = (
                Asked(earlier.where, earlier.extras | extras) if earlier else Asked(where, extras)
            )
    return found
