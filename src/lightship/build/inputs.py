"""What a target's part of a lock was made from."""

from __future__ import annotations

from pathlib import Path

from lightship.build.cache import Memo
from lightship.build.machine import Machine
from lightship.digest import Digest, of_value
from lightship.project.detect import Project
from lightship.project.inputs import target_fingerprint
from lightship.project.targets import Target


def target_inputs(project: Project, target: Target, machine: Machine) -> Digest:
    """Digest of what a target adds to a lock; that requirement files only changed a comment does not count.

    Raises:
        UsageError: if a requirement file cannot be read.

    """
    memo = Memo(machine.home.cache / "inputs")
    cheap = target_fingerprint(project.folder, target)
    return Digest(memo.get_or_make(cheap, str, lambda: _semantic(project, target)))


def _semantic(project: Project, target: Target) -> str:
    from lightship.wheels.request import ResolveRequest, request_inputs

    request = ResolveRequest(
        folder=project.folder,
        python=project.config.python,
        platform=project.platforms[0],
        requirements=tuple(Path(name) for name in target.requirements),
    )
    return of_value([request_inputs(request), sorted(target.packages)])
