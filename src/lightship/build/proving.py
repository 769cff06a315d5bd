"""Proof that an image still works after what was taken out of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lightship.build.loading import Loading
from lightship.build.machine import Machine
from lightship.build.recording import trial
from lightship.build.rootfs import prepare_root
from lightship.build.sandbox import Sandbox
from lightship.oci.layout import LayoutImage
from lightship.plan.model import Plan
from lightship.plan.trimming import TRACED
from lightship.project.detect import Project


def prove(project: Project, plan: Plan, image: LayoutImage, sandbox: Sandbox, machine: Machine) -> bool:
    """Load what was stripped, start what was traced; true, or an error.

    Raises:
        StageError: if a library does not load any more.
        StartError: if the service does not start, is not healthy, or fails the project's check.

    """
    root = prepare_root(image, cache=machine.home.cache, reporter=machine.reporter)
    start = trial(project.config, project.folder, root, image)
    with machine.reporter.task("proving that the image works", unit="checks") as task:
        if project.config.strip:
            Loading(plan, root, start.execution, start.python, sandbox, machine.home).prove()
            task.advance(1)
        if project.config.trim == TRACED:
            with tempfile.TemporaryDirectory() as folder:
                start.carry_out(sandbox, Path(folder))
            task.advance(1)
    return True
