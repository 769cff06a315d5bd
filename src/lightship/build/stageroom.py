"""One stage, run: a working folder with its inputs, its commands in the builder's root, what they leave."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightship.build.confined import Confined, TimeLimitError, run_confined
from lightship.build.environments import PLACE
from lightship.build.failure import Finder, stage_failure, stage_time_limit_failure
from lightship.build.folders import making
from lightship.build.outputs import output_entries
from lightship.build.sandbox import Volume
from lightship.build.steps import Inputs, layer_entries
from lightship.build.toolchain import BUILD, ENVIRONMENT, OUT
from lightship.digest import Digest
from lightship.fs.atomic import storage_error
from lightship.fs.plant import Planter
from lightship.fs.tar import EPOCH
from lightship.oci.unpack import remove_tree
from lightship.plan.model import FilesLayer
from lightship.plan.stages import StagePlan

_WORK = f"{BUILD}/work"
_ENVIRONMENT = {
    **ENVIRONMENT,
    "PATH": f"/{PLACE}/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRoom:
    """Where stages of one build run: `folder` is the project's, `seconds` the limit of each stage.

    `find` names packages that have what a command missed.
    """

    root: Path
    bwrap: Path
    folder: Path
    scratch: Path
    seconds: float
    stop: threading.Event
    find: Finder

    def run(self, stage: StagePlan, environment: Path, outputs: Mapping[Digest, Path], final: Path) -> None:
        """Run a stage's commands, and keep what they leave in `/out` as `final/out`.

        `outputs` has the roots of what it takes from, by the digests of their origins.

        Raises:
            StageError: a command fails or takes too long, or what the stage takes is not there.
            StoppedError: soon after `stop` is set.

        """
        with self._scratch() as scratch:
            self._furnish(stage, scratch / _WORK, outputs)
            deadline = time.monotonic() + self.seconds
            for number, command in enumerate(stage.run):
                self._command(stage, command, scratch, environment, scratch / f"log-{number}", deadline)
            _open_up(scratch / OUT)
            with making(final) as building:
                (scratch / OUT).rename(building / OUT)
                building.chmod(0o755)

    def _furnish(self, stage: StagePlan, work: Path, outputs: Mapping[Digest, Path]) -> None:
        planter = Planter(work, archive=f"the inputs of stage {stage.name}")
        with layer_entries(FilesLayer("inputs", "/", stage.inputs), Inputs({}, self.folder)) as entries:
            for entry in entries:
                planter.put(entry, entry.content.chunks() if entry.content else (), mtime=EPOCH)
        for take in stage.takes:
            for entry in output_entries(outputs[take.origin.digest], take.path, take.place, take.origin):
                planter.put(entry, entry.content.chunks() if entry.content else (), mtime=EPOCH)

    def _command(
        self, stage: StagePlan, command: str, scratch: Path, environment: Path, path: Path, deadline: float
    ) -> None:
        job = Confined(
            root=self.root,
            command=("/bin/sh", "-c", command),
            folder=f"/{_WORK}",
            environment=_ENVIRONMENT,
            volumes=(
                Volume(environment, f"/{PLACE}", read_only=True),
                Volume(scratch / BUILD, f"/{BUILD}"),
                Volume(scratch / OUT, f"/{OUT}"),
            ),
        )
        seconds = max(0.0, deadline - time.monotonic())
        with path.open("wb") as log:
            try:
                code = run_confined(job, bwrap=self.bwrap, log=log, seconds=seconds, stop=self.stop)
            except TimeLimitError:
                raise stage_time_limit_failure(stage.name, command, _read(path), self.seconds) from None
        if code:
            raise stage_failure(stage.name, command, code, _read(path), self.find)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=self.scratch, prefix=".tmp-"))
            for path in (OUT, _WORK, f"{BUILD}/home", f"{BUILD}/scratch"):
                (scratch / path).mkdir(parents=True)
        except OSError as error:
            raise storage_error(error, self.scratch) from error
        try:
            yield scratch
        finally:
            remove_tree(scratch)


def _open_up(folder: Path) -> None:
    """Make all that commands left readable: they may have taken away their own rights."""
    folder.chmod(0o755)
    for child in folder.iterdir():
        if child.is_symlink():
            continue
        if child.is_dir():
            _open_up(child)
        elif child.is_file():
            child.chmod(child.stat().st_mode & 0o777 | 0o600)


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace")
