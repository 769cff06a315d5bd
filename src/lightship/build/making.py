"""From a project to its image, with the start recorded that the image is made by."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace as with_fields

from lightship.build.building import build_plan, known_start, plan_project, with_builds
from lightship.build.cache import Memo
from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.build.origins import remember
from lightship.build.proofs import prove
from lightship.build.sharing import NoCaches
from lightship.digest import of_value
from lightship.errors import CheckError, LightshipError, StartError, UsageError
from lightship.oci.record import Compression
from lightship.plan.bytecode import IMPORTED
from lightship.plan.model import Plan
from lightship.plan.trimming import SAFE, TRACED
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, is_suite
from lightship.project.start import start_path, write_start

if TYPE_CHECKING:
    from lightship.build.sandbox import Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build: `locked` takes lock and record as they are, `record` records a start in any case.

    Only production's start is recorded: other targets start something else, and take the record as it is.
    """

    variant: str
    platform: Platform
    target: str = PRODUCTION
    compression: Compression = Compression.GZIP
    locked: bool = False
    record: bool = False


def build_project(project: Project, request: Request, machine: Machine) -> tuple[Plan, Built]:
    """Build an image; a start that its configuration asks for and nobody recorded is recorded first.

    Where bytecode is all that the record is for, an image without it is better than none: a note says why. A
    traced image that does not work any more is traced anew, once.

    Raises:
        LightshipError: what planning and building raise; StartError where trimming needs the record.

    """
    notes: tuple[str, ...] = ()
    if request.record or _lacks_start(project, request):
        try:
            _record(project, request, machine)
        except LightshipError as error:
            if request.record or project.config.trim == TRACED:
                raise
            notes = (f"{_without_start(project, request)}: {error.message}. {error.hint}".rstrip(". "),)
    notes += _startup_notes(project, request)
    asked, plan = _plans(project, request, machine)
    try:
        built = _deliver(project, plan, request, machine)
    except StartError:  # raised by the proof
        if request.record or request.locked:
            raise
        _record(project, replace(request, record=True), machine)
        asked, plan = _plans(project, request, machine)
        built = _deliver(project, plan, request, machine)
    remember(project, asked, plan, built.descriptor.digest, machine.home)
    return plan, with_fields(built, notes=(*built.notes, *notes))


def _plans(project: Project, request: Request, machine: Machine) -> tuple[Plan, Plan]:
    """Plan as it is asked for, and as it is when all that has no wheel is built."""
    plan = plan_project(
        project,
        request.variant,
        request.platform,
        machine,
        locked=request.locked,
        target=request.target,
    )
    return plan, with_builds(project, plan, machine)


def _lacks_start(project: Project, request: Request) -> bool:
    config, start = project.config, known_start(project, request.variant)
    if request.target != PRODUCTION:
        return False
    if config.trim == TRACED:
        return start is None or request.platform.architecture not in start.opened
    return start is None and (_wants_bytecode(project) or request.compression is Compression.ESTARGZ)


def _wants_bytecode(project: Project) -> bool:
    return project.config.bytecode == IMPORTED and is_suite(project.config.base)


def _without_start(project: Project, request: Request) -> str:
    """Say what an image lacks whose start could not be recorded."""
    lacking = ["bytecode of what starts"] if _wants_bytecode(project) else []
    lacking += ["start-up files to fetch first"] if request.compression is Compression.ESTARGZ else []
    return f"no {' and no '.join(lacking)}"


def _startup_notes(project: Project, request: Request) -> tuple[str, ...]:
    """Say so where start-up files come first, and not all of them are known."""
    start = known_start(project, request.variant)
    if request.compression is not Compression.ESTARGZ or start is None:
        return ()
    architecture = request.platform.architecture
    if architecture in start.opened and architecture in start.system:
        return ()
    lacking = "files of Debian packages" if architecture in start.opened else "what else it opens"
    known = f"of the start on {request.platform} imports are recorded, and not {lacking}"
    return (f"{known}: `lightship build --format estargz --record` records all",)


def _record(project: Project, request: Request, machine: Machine) -> None:
    """Build the image as it is before anything depends on the record, start it, and write what it did.

    Raises:
        CheckError: if the record must be there already.
        UsageError: if this machine cannot run the image.
        StartError: if the start fails; that it did is remembered as long as nothing changes.

    """
    from lightship.build.recording import Recorder

    machine = replace(machine, shared=NoCaches())  # who owns a file, only the archives say
    path = start_path(project.folder, request.variant)
    if request.locked:
        raise CheckError(
            "the start is not recorded",
            where=str(path),
            hint="run `lightship build` without --locked once, and commit the file",
        )
    config = project.config
    trim = SAFE if config.trim == TRACED else config.trim
    plain = with_fields(config, trim=trim, bytecode="none", strip=False)
    _, plan = _plans(replace(project, config=plain), request, machine)
    sandbox = _sandbox(plan, machine)
    lazy = request.compression is Compression.ESTARGZ  # of no use to an image whose start is not known yet
    built = build_plan(project, plan, machine, Compression.GZIP if lazy else request.compression)
    image = machine.home.images.image(built.descriptor)
    failures = Memo(machine.home.cache / "starts")
    key = of_value([image.manifest.config.digest, msgspec.to_builtins(config.check)])
    failed = failures.get(key, str)
    if failed and not request.record and config.trim != TRACED:
        raise StartError(failed, hint="`lightship build --record` tries it again")
    try:
        recorder = Recorder(project, machine, sandbox, traced=lazy or config.trim == TRACED)
        write_start(path, recorder.record(plan, image))
    except StartError as error:
        failures.put(key, error.message)
        raise


def _sandbox(plan: Plan, machine: Machine) -> Sandbox:
    """Find what starts images here.

    Raises:
        UsageError: if this machine is of another platform, or has no bubblewrap.

    """
    from lightship.build.sandbox import Sandbox

    here = os.uname().machine
    if plan.platform.machine != here:
        raise UsageError(
            f"an image for {plan.platform} cannot be started on {here}",
            where=f"{plan.name}, variant {plan.variant}",
            hint="record its start on a machine of its platform, and commit the file",
        )
    return Sandbox.find(machine.environ.get("PATH", ""))


def _deliver(project: Project, plan: Plan, request: Request, machine: Machine) -> Built:
    """Build a finished plan; of production, prove that what was left out of it is missed by nothing."""
    built = build_plan(project, plan, machine, request.compression)
    if request.target != PRODUCTION:
        return built
    notes = prove(project, plan, built, machine, lambda: _sandbox(plan, machine))
    return with_fields(built, notes=(*built.notes, *notes))
