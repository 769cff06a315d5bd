"""Plans of what would be built, made without fetching what a lock is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec.structs import replace as with_fields

from lightship.build.baseimage import base_digests
from lightship.build.bases import open_base
from lightship.build.building import known_start, plan_project, plan_selection, with_builds
from lightship.build.compiling import builder_root, unbuilt
from lightship.build.locks import is_current, require_current
from lightship.build.machine import Machine
from lightship.build.requesting import resolve_python
from lightship.build.selecting import selection_of
from lightship.digest import of_bytes
from lightship.errors import UsageError
from lightship.plan.bytecode import ALL, IMPORTED
from lightship.plan.model import Additions, Plan
from lightship.plan.planner import Selection, with_built
from lightship.plan.trimming import SAFE, TRACED
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, is_suite
from lightship.project.stages import copied_stages
from lightship.project.start import Start
from lightship.project.targets import find_target
from lightship.wheels.lock import LockedBuilder, LockTable, parse_lock, render_lock
from lightship.wheels.select import usable_distributions


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan to predict from; `notes` say what of it is not known, `without` names what it leaves out.

    With `guessed`, no start is recorded: the layers of bytecode are those of all modules, and only a part of
    them will be there.
    """

    plan: Plan
    notes: tuple[str, ...] = ()
    guessed: bool = False
    without: tuple[str, ...] = ()


def look_out(
    project: Project,
    variant: str,
    platform: Platform,
    machine: Machine,
    *,
    target: str = PRODUCTION,
    locked: bool = False,
) -> Outlook:
    """Plan an image from its lock; where that is missing or stale, from what uv resolves now.

    Raises:
        CheckError: if `locked`, and the lock is missing or stale.
        UsageError: for a target without a lock.
        ResolutionError: if the packages do not fit together.

    """
    planned, guessed, notes = _assumed(project, variant)
    stages: tuple[str, ...] = ()
    if locked:
        require_current(project, variant, machine, target)
    if locked or is_current(project, variant, machine, target):
        plan = plan_project(planned, variant, platform, machine, locked=True, target=target)
    else:
        _check_target(project, target)
        plan = plan_selection(
            planned, variant, platform, _resolve(planned, variant, platform, machine), machine
        )
        notes = (*notes, _UNLOCKED)
        stages = tuple(f"stage {name}" for name in copied_stages(project.config, variant))
    plan, unbuilt = _with_known_builds(planned, plan, machine)
    notes += tuple(
        f"{name} is not counted: what it runs on is not locked (`lightship lock`)" for name in stages
    )
    notes += tuple(f"{name} is not counted: it is built from source" for name in unbuilt)
    return Outlook(plan, notes, guessed, (*stages, *unbuilt))


def with_start(outlook: Outlook, project: Project, start: Start) -> Outlook:
    """Put what sources tell of a start in the place of a guess."""
    config = project.config
    config = with_fields(config, trim=SAFE) if config.trim == TRACED else config
    notes = tuple(_READ if note == _GUESSED else note for note in outlook.notes)
    return replace(outlook, plan=with_built(outlook.plan, (), config, start), notes=notes, guessed=False)


def _assumed(project: Project, variant: str) -> tuple[Project, bool, tuple[str, ...]]:
    """Put something in the place of a start that is not recorded yet."""
    config = project.config
    if known_start(project, variant) is not None:
        return project, False, ()
    notes: tuple[str, ...] = ()
    if config.trim == TRACED:
        config = with_fields(config, trim=SAFE)
        notes = (
            'no start is recorded: what it does not open is counted, although `trim = "traced"` drops it',
        )
    guessed = config.bytecode == IMPORTED and is_suite(config.base)
    if guessed:
        config = with_fields(config, bytecode=ALL)
        notes += (_GUESSED,)
    return replace(project, config=config), guessed, notes


def _check_target(project: Project, target: str) -> None:
    if not find_target(project, target).is_production:
        raise UsageError(
            f"the target {target} is not locked, or its lock is stale",
            where=str(project.folder),
            hint=f"run `lightship lock --target {target}` first",
        )


def _resolve(project: Project, variant: str, platform: Platform, machine: Machine) -> Selection:
    """Ask uv and Debian's index alone; what builds need, and libraries that wheels ask for, is not known."""
    digests = base_digests(project, machine)
    base = open_base(project, platform, digests.get(platform), machine)
    pylock = resolve_python(project, variant, {platform: base.glibc}, machine, upgrade=False)
    table = LockTable(
        variant=variant,
        python=project.config.python,
        base=project.config.base,
        inputs=of_bytes(b""),
        platforms=(platform,),
        debs={platform: base.debs},
        base_digests={key: digest for key, digest in digests.items() if key == platform},
    )
    text = render_lock(pylock, table)
    lock = parse_lock(text, where="what uv resolved")
    found = usable_distributions(lock, platform=platform, python_full=base.python_full, glibc=base.glibc)
    builder = LockedBuilder(requires={sdist.name: () for sdist in found.sdists})
    lock = replace(lock, builders={platform: builder})
    return selection_of(lock, of_bytes(text.encode()), platform, project, machine)


_GUESSED = "no start is recorded: what it imports, and so the bytecode, is guessed from other services"
_READ = "no start is recorded: what it imports, and so the bytecode, is read from import statements"
_UNLOCKED = (
    "not locked: Debian packages that only wheels ask for are not counted (`lightship lock` finds them)"
)


def _with_known_builds(project: Project, plan: Plan, machine: Machine) -> tuple[Plan, tuple[str, ...]]:
    """Take wheels that were built before, and name what is not built yet; nothing is built."""
    own = plan.additions or Additions(PRODUCTION)
    missing = [
        sdist
        for builds, packages in ((plan.builds, plan.builder), (own.builds, own.builder))
        if builds
        for sdist in unbuilt(project, plan.variant, builds, builder_root(project, plan, packages), machine)
    ]
    if not missing:
        return with_builds(project, plan, machine), ()
    return plan, tuple(dict.fromkeys(sdist.name for sdist in missing))
