"""The stages of a plan, carried out on this machine: each once, two at a time, after what they take from."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from lightship.build.baseimage import plan_suite
from lightship.build.cache import FileDigests
from lightship.build.compiling import builder_root, package_finder
from lightship.build.environments import prepare_environment
from lightship.build.fetching import Fetcher
from lightship.build.images import find_source
from lightship.build.machine import Machine
from lightship.build.rootfs import kept_root, prepare_root
from lightship.build.sandbox import Sandbox
from lightship.build.stageroom import StageRoom
from lightship.build.toolchain import prepare_toolchain, toolchain_digest
from lightship.digest import Digest, hex_of
from lightship.errors import NetworkError, UsageError
from lightship.oci.record import LayerRecord
from lightship.plan.model import Plan
from lightship.plan.planner import Selection
from lightship.plan.stages import ImageOrigin, Origin, StageLayer, StagePlan
from lightship.plan.staging import StageSources
from lightship.platform import Platform
from lightship.project.config import StageConfig
from lightship.project.detect import Project
from lightship.project.ignore import read_ignore
from lightship.project.sources import SourceFile, scan
from lightship.project.stages import stages_of

WORKERS = 2
"""Stages at once: most of what they run uses several cores itself."""


def stage_sources(
    project: Project, variant: str, platform: Platform, selection: Selection, machine: Machine
) -> StageSources:
    """Find what a variant's stages are made from.

    Raises:
        UsageError: an input that is not there, lies outside the project, or is left out by `.dockerignore`.

    """
    digests = machine.file_digests
    inputs = {
        name: _inputs(name, stage, project, digests)
        for name, stage in stages_of(project.config, variant).items()
    }
    root = toolchain_digest(selection.builder, platform)
    return StageSources(selection.stages, inputs, root, selection.python)


def _inputs(name: str, stage: StageConfig, project: Project, digests: FileDigests) -> tuple[SourceFile, ...]:
    ignore = read_ignore(project.folder)
    found: dict[str, SourceFile] = {}
    for path in stage.inputs:
        try:
            files = scan(project.folder, (path,), ignore, digests)
        except UsageError as error:
            raise _wrong_input(name, error.message.replace("source ", "input ", 1), error.where) from error
        if not files:
            raise _wrong_input(name, f"input {path!r} has no files", str(project.folder / path))
        found |= {file.path: file for file in files}
    return tuple(found[path] for path in sorted(found))


def _wrong_input(stage: str, message: str, where: str) -> UsageError:
    return UsageError(
        f"stage {stage!r}: {message}",
        where=where,
        hint=f"mend `inputs` in [tool.lightship.stages.{stage}]; what .dockerignore lists is no input",
    )


def prepare_outputs(
    project: Project, plan: Plan, known: Sequence[LayerRecord | None], machine: Machine
) -> Mapping[Digest, Path]:
    """Bring about what stages hand to layers that are not there yet: the roots where it lies, by origin.

    Raises:
        StageError: a command fails, takes too long, or a stage lacks what is taken from it.
        UsageError: without bubblewrap, or for a platform that this machine does not run.
        NetworkError, IntegrityError: if something that a stage needs cannot be had.

    """
    wanted = _wanted(plan, known)
    return _Staging(project, plan, machine).prepare(wanted) if wanted else {}


def kept_output(project: Project, origin: Origin, machine: Machine) -> Path | None:
    """Find the root of what a stage or an image hands on, if it is here: nothing is run, no layer fetched."""
    if not isinstance(origin, ImageOrigin):
        folder = _folder(origin, machine)
        return folder if folder.is_dir() else None
    try:
        image = find_source(origin.name, project.folder, machine).pinned(origin.digest)
    except NetworkError:
        return None
    return kept_root(image, cache=machine.home.cache)


def stages_to_run(
    project: Project, plan: Plan, known: Sequence[LayerRecord | None], machine: Machine
) -> list[StagePlan]:
    """Give the stages that `prepare_outputs` would run, in the plan's order."""
    return _Staging(project, plan, machine).missing(_wanted(plan, known))


def _wanted(plan: Plan, known: Sequence[LayerRecord | None]) -> list[Origin]:
    return [
        layer.origin
        for layer, record in zip(plan.layers, known, strict=True)
        if isinstance(layer, StageLayer) and record is None
    ]


@dataclass(frozen=True, slots=True)
class _Staging:
    project: Project
    plan: Plan
    machine: Machine

    def prepare(self, wanted: Sequence[Origin]) -> dict[Digest, Path]:
        stages = self.missing(wanted)
        origins = {*wanted, *(take.origin for stage in stages for take in stage.takes)}
        outputs = {
            origin.digest: self._image(origin) for origin in origins if isinstance(origin, ImageOrigin)
        }
        outputs |= {stage.origin.digest: _folder(stage.origin, self.machine) for stage in self.plan.stages}
        if stages:
            self._run_all(stages, outputs)
        return outputs

    def missing(self, wanted: Sequence[Origin]) -> list[StagePlan]:
        """Give the stages that must run, in the plan's order."""
        needed = {origin.digest for origin in wanted}
        missing = []
        for stage in reversed(self.plan.stages):
            if stage.origin.digest in needed and not _folder(stage.origin, self.machine).is_dir():
                missing.append(stage)
                needed |= {take.origin.digest for take in stage.takes}
        return missing[::-1]

    def _image(self, origin: ImageOrigin) -> Path:
        machine = self.machine
        source = find_source(origin.name, self.project.folder, machine)
        return prepare_root(source.pinned(origin.digest), cache=machine.home.cache, reporter=machine.reporter)

    def _run_all(self, stages: Sequence[StagePlan], outputs: Mapping[Digest, Path]) -> None:
        _check_native(self.plan.platform, stages[0])
        bwrap = Sandbox.find(self.machine.environ.get("PATH", "")).bwrap
        wheels = {wheel for stage in stages for wheel in stage.wheels}
        fetch = Fetcher(self.project, self.machine, plan_suite(self.project, self.plan))
        archives = fetch(sorted(wheels), self.plan.builder)
        room = self._room(archives, bwrap)
        environments = {stage.wheels: self._environment(stage, archives) for stage in stages}
        names = ", ".join(stage.name for stage in stages)
        with self.machine.reporter.task(f"running {names}", len(stages), unit="stages") as task:

            def run(stage: StagePlan) -> None:
                room.run(stage, environments[stage.wheels], outputs, _folder(stage.origin, self.machine))
                task.advance(1)

            run_in_order(stages, run, room.stop)

    def _room(self, archives: Mapping[str, Path], bwrap: Path) -> StageRoom:
        machine, builder = self.machine, builder_root(self.project, self.plan, self.plan.builder)
        root = prepare_toolchain(
            builder.packages,
            archives,
            platform=builder.platform,
            python=builder.python,
            cache=machine.home.cache,
            reporter=machine.reporter,
        )
        return StageRoom(
            root=root,
            bwrap=bwrap,
            folder=self.project.folder,
            scratch=machine.home.cache / "builds",
            seconds=machine.build_seconds,
            stop=threading.Event(),
            find=package_finder(self.project, builder, machine),
        )

    def _environment(self, stage: StagePlan, archives: Mapping[str, Path]) -> Path:
        return prepare_environment(
            stage.wheels,
            archives,
            python=stage.python,
            cache=self.machine.home.cache,
            reporter=self.machine.reporter,
        )


def _folder(origin: Origin, machine: Machine) -> Path:
    return machine.home.cache / "stages" / hex_of(origin.digest)


def run_in_order(
    stages: Sequence[StagePlan], run: Callable[[StagePlan], None], stop: threading.Event
) -> None:
    """Run every stage after those that it takes from, `WORKERS` at once; the first failure ends all."""
    by_digest = {stage.origin.digest: stage for stage in stages}
    graph = {
        digest: {take.origin.digest for take in stage.takes} & by_digest.keys()
        for digest, stage in by_digest.items()
    }
    order = TopologicalSorter(graph)
    order.prepare()
    running: dict[Future[None], Digest] = {}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="stage") as pool:
        try:
            while order.is_active():
                running |= {pool.submit(run, by_digest[digest]): digest for digest in order.get_ready()}
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    order.done(running.pop(future))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _check_native(platform: Platform, stage: StagePlan) -> None:
    machine = os.uname().machine
    if machine != platform.machine:
        raise UsageError(
            f"stage {stage.name!r} cannot run for {platform} on {machine}",
            where=stage.name,
            hint=f"build on a machine of {platform}",
        )
