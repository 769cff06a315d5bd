"""What an image for another processor cannot be made without: a machine that has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lightship.build.compiling import builder_root, unbuilt
from lightship.build.machine import Machine
from lightship.build.staging import stages_to_run
from lightship.oci.record import LayerRecord
from lightship.plan.model import Additions, Plan
from lightship.plan.trimming import TRACED
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project


def needs_machine(
    project: Project, plan: Plan, known: Sequence[LayerRecord | None], machine: Machine
) -> Iterator[str]:
    """Yield what only a machine of the plan's platform can do, and is not done; `known` are its layers."""
    own = plan.additions or Additions(plan.target)
    for builds, packages in ((plan.builds, plan.builder), (own.builds, own.builder)):
        root = builder_root(project, plan, packages) if builds else None
        for sdist in unbuilt(project, plan.variant, builds, root, machine) if root else ():
            yield f"{sdist.name} {sdist.version} has no wheel, and must be compiled from {sdist.filename}"
    for stage in stages_to_run(project, plan, known, machine):
        yield f"stage {stage.name!r} must run"
    if project.config.trim == TRACED and plan.target == PRODUCTION:
        yield 'trim = "traced": the service must be started, to see which files it opens'
