"""What a service imports and opens when it starts, recorded from a start of its untrimmed image."""

from __future__ import annotations

import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from lightship.build.home import Home
from lightship.build.machine import Machine
from lightship.build.rootfs import prepare_root
from lightship.build.sandbox import Sandbox
from lightship.build.starting import Trial
from lightship.build.written import written_paths
from lightship.fs.opened import OpenedFiles, watching
from lightship.oci.layout import LayoutImage
from lightship.plan.model import EnvironmentLayer, Plan, WheelsLayer
from lightship.project.config import Config
from lightship.project.detect import Project
from lightship.project.start import Paths, Start
from lightship.slim import is_library
from lightship.wheels.environment import Environment

_COMPILED = re.compile(r"(?P<module>.+)\.cpython-[0-9]+(\.opt-[0-9])?\.pyc")


@dataclass(frozen=True, slots=True)
class Recorder:
    """Starts images of one project on this machine; `traced` to tell which files a start opens, too."""

    project: Project
    machine: Machine
    sandbox: Sandbox
    traced: bool

    def record(self, plan: Plan, image: LayoutImage) -> Start:
        """Start an image that was built from `plan`, with everything in it, and tell what it did.

        Raises:
            StartError: if the service is not healthy in time, or fails the project's check.
            StageError: if this system cannot watch so many folders.

        """
        root = prepare_root(image, cache=self.machine.home.cache, reporter=self.machine.reporter)
        layers = [layer for layer in plan.layers if isinstance(layer, WheelsLayer)]
        site = Environment(layers[0].prefix, layers[0].python).site_packages if layers else ""
        with (
            self.machine.reporter.task("recording a start", unit="starts") as task,
            tempfile.TemporaryDirectory() as folder,
        ):
            with watching(root) if self.traced else nullcontext(OpenedFiles()) as opened:
                trial(self.project.config, self.project.folder, root, image).carry_out(
                    self.sandbox, Path(folder)
                )
            imported = set(_imported(Path(folder)))
            task.advance(1)
        owners = _owners(layers, self.machine.home)
        library = f"usr/lib/python{self.project.config.python}/"
        opened_paths = opened.paths | set(_programs(root, site))
        return Start(
            python=self.project.config.python,
            distributions={wheel.name: wheel.version for wheel in sorted(plan.wheels)},
            standard_library=_below(library, imported),
            modules={name: paths for name, paths in _by_owner(imported, owners, site).items() if paths},
            opened={plan.architecture: _by_owner(opened_paths, owners, site)} if self.traced else {},
            system={plan.architecture: _of_system(opened.paths - imported, plan)} if self.traced else {},
        )


def trial(config: Config, folder: Path, root: Path, image: LayoutImage) -> Trial:
    """Put together a start of an image that lies unpacked at `root`, of the project in `folder`."""
    search = image.config.config.environment["PATH"].split(":")
    return Trial(
        root=root,
        execution=image.config.config,
        project=folder,
        python=f"{search[0]}/python",
        check=config.check.command,
        env=config.check.env,
    )


def _programs(root: Path, site: str) -> Iterator[str]:
    """Yield programs: services look whether one is there, without opening it, long before they start it."""
    for folder, _, names in os.walk(root / site) if site else ():
        for name in names:
            path = Path(folder, name)
            if not is_library(name) and path.stat().st_mode & 0o111:
                yield path.relative_to(root).as_posix()


def _imported(folder: Path) -> Iterator[str]:
    """Yield the paths of sources whose bytecode was left in a folder (`PYTHONPYCACHEPREFIX`)."""
    for path in folder.rglob("*.pyc"):
        match = _COMPILED.fullmatch(path.relative_to(folder).as_posix())
        if match:
            yield f"{match['module']}.py"


def _owners(layers: Iterable[WheelsLayer], home: Home) -> dict[str, str]:
    """Say which distribution's file is at each path: of several, the last one's."""
    return {
        path: wheel.name
        for layer in layers
        for wheel in layer.wheels
        for path in written_paths(layer, wheel, home)
    }


def _by_owner(paths: set[str], owners: dict[str, str], site: str) -> Paths:
    """Sort paths below site-packages by distribution; every distribution is there, be it without paths."""
    found: dict[str, list[str]] = {name: [] for name in owners.values()}
    for path in sorted(paths & owners.keys()):
        if path.startswith(f"{site}/"):
            found[owners[path]].append(posixpath.relpath(path, site))
    return {name: tuple(paths) for name, paths in sorted(found.items())}


def _of_system(opened: Iterable[str], plan: Plan) -> tuple[str, ...]:
    """Choose what Debian packages may have brought, and not the project or its environment."""
    own = [layer for layer in plan.layers if isinstance(layer, EnvironmentLayer)]
    places = tuple(f"{place.strip('/')}/" for layer in own for place in (layer.prefix, layer.workdir))
    found = (path for path in opened if path.startswith(("etc/", "usr/")) and not path.startswith(places))
    return tuple(sorted(found))


def _below(folder: str, paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(path.removeprefix(folder) for path in paths if path.startswith(folder)))
