"""Proof that an image still works after what was taken out of it."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from lightship.build.home import Home
from lightship.build.loading import Loading
from lightship.build.machine import Machine
from lightship.build.recording import trial
from lightship.build.rootfs import prepare_root
from lightship.build.sandbox import Sandbox
from lightship.build.written import written_paths
from lightship.oci.layout import LayoutImage
from lightship.plan.model import WheelsLayer
from lightship.project.detect import Project
from lightship.slim import is_library


def prove_start(project: Project, image: LayoutImage, sandbox: Sandbox, machine: Machine) -> bool:
    """Start a traced image, with its health check and the project's; true, or an error.

    Raises:
        StartError: if the service does not start, is not healthy, or fails the project's check.

    """
    root = prepare_root(image, cache=machine.home.cache, reporter=machine.reporter)
    with (
        machine.reporter.task("proving that it starts", unit="starts") as task,
        tempfile.TemporaryDirectory() as folder,
    ):
        trial(project.config, project.folder, root, image).carry_out(sandbox, Path(folder))
        task.advance(1)
    return True


def prove_loading(
    project: Project, layers: Collection[WheelsLayer], image: LayoutImage, sandbox: Sandbox, machine: Machine
) -> None:
    """Load every library of stripped layers, in their image.

    Raises:
        StageError: if one does not load any more.

    """
    root = prepare_root(image, cache=machine.home.cache, reporter=machine.reporter)
    start = trial(project.config, project.folder, root, image)
    with machine.reporter.task("proving that stripped libraries load", unit="libraries") as task:
        loading = Loading(layers, root, start.execution, start.python, sandbox, machine.home)
        task.advance(loading.prove())


def stripped_libraries(layer: WheelsLayer, home: Home) -> list[str]:
    """List the libraries of a layer that is stripped, by their paths in the image."""
    if not layer.strip:
        return []
    return [path for wheel in layer.wheels for path in written_paths(layer, wheel, home) if is_library(path)]
