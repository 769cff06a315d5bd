"""What each stage of a Dockerfile is there for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise

from lightship.dockerfile.expand import expand
from lightship.dockerfile.migrate.folder import Folder
from lightship.dockerfile.migrate.scene import Role, Scene, making_steps
from lightship.dockerfile.packages import installs
from lightship.dockerfile.stages import Build, Stage, Step, read_build

HOUSEKEEPING = frozenset({
    *("mkdir", "chown", "chmod", "rm", "find", "useradd", "groupadd", "adduser", "addgroup", "usermod", "ln"),
    *("true", ":", "echo", "set", "cd", "export", "touch", "ls", "sed", "sync", "locale-gen", "ldconfig"),
    *("usermod", "passwd", "chpasswd", "update-ca-certificates", "dpkg-reconfigure", "dpkg", "id", "test"),
    *("[", "[[", "printf", "cat", "virtualenv", "venv", "apt-cache", "which", "sleep", "chsh", "corepack"),
})  # fmt: skip
"""What makes nothing that a later stage could take."""
ENVIRONMENTS = re.compile(
    r".*/(?:site|dist)-packages(?:/.*)?|/usr/local(?:/(?:bin|lib|lib/python[\d.]*))?|/root/\.local(?:/.*)?"
    r"|(?:.*/)?\.?venv(?:/.*)?|/opt/conda(?:/.*)?|.*/wheels?(?:house)?(?:/.*)?|.*\.whl|.*/\.?virtualenvs?(?:/.*)?"
)
"""Where packages are installed, or wheels put, as far as names tell."""
_DEVELOPERS = re.compile(r"dev|devel|develop|development|debug|tests?|testing|ci|lint", re.IGNORECASE)
_PRODUCTION = re.compile(r"prod|production|release|runtime|final|app|service|deploy", re.IGNORECASE)
_MANAGING = ("poetry", "pdm", "pipenv", "uv", "pip", "pip3", "conda", "micromamba", "mamba")


def choose_final(build: Build, target: str) -> Build:
    """Take the stage that is the image: the last one, unless that is for developers and another is not."""
    if target or not _DEVELOPERS.fullmatch(build.final.name):
        return build
    named = [stage for stage in build.stages if _PRODUCTION.fullmatch(stage.name)]
    return read_build(build.document, named[-1].name) if named else build


def find_roles(build: Build, folder: Folder) -> dict[int, Role]:
    """Give each stage its role, by its index."""
    scene = Scene(build, folder)
    roles = dict.fromkeys(range(len(build.stages)), Role.UNUSED)
    chain = {stage.index for stage in build.final.chain}
    for index in build.used:
        roles[index] = Role.BUILDER
    for step in scene.final_steps:
        other = _source(build, step)
        if other and any(is_made(scene, other, path) for path in taken(step)):
            roles |= {stage.index: Role.MAKER for stage in other.chain if stage.index not in chain}
    for stage in build.stages:
        own = {one.index for one in stage.chain}
        if stage.index not in build.used and own & chain:
            roles[stage.index] = Role.TARGET
    roles |= _bases_of_targets(build, roles)
    return roles | dict.fromkeys(chain, Role.FINAL)


def taken(step: Step) -> tuple[str, ...]:
    """Give the paths that a `COPY --from` takes."""
    return tuple(
        posixpath.normpath(posixpath.join("/", expand(word.text, step.variables))) for word in step.sources
    )


def source_stage(build: Build, step: Step) -> Stage | None:
    """Find the stage that a `COPY --from` takes from."""
    return _source(build, step)


def is_environment(scene: Scene, stage: Stage, path: str) -> bool:
    """Tell whether what lies at a path of a stage was installed there, or is a folder of wheels."""
    places = set(_installed_to(stage))
    near = any(path == place or path.startswith(f"{place}/") for place in places)
    exported = path.endswith((".txt", ".lock")) and scene.origin(stage, None, path) is None
    return near or exported or bool(ENVIRONMENTS.fullmatch(path))


def is_made(scene: Scene, stage: Stage, path: str) -> bool:
    """Tell whether a stage's own commands make what lies at a path: not installed, not just copied there."""
    if is_environment(scene, stage, path) or not any(makes(step) for step in making_steps(stage)):
        if is_environment(scene, stage, path):
            return False
        return not any(step.keyword in ("COPY", "ADD") and step.from_context for step in stage.all_steps)
    return True


def makes(step: Step) -> bool:
    """Tell whether a `RUN` does more than install and tidy up."""
    calls = {found.command for found in installs(step)}
    return any(
        command.program not in HOUSEKEEPING
        and command.program not in _MANAGING
        and "venv" not in command.arguments[:2]
        and "pip" not in command.arguments[:2]
        for command in step.commands
        if command not in calls and command.words
    )


def _source(build: Build, step: Step) -> Stage | None:
    if step.keyword != "COPY" or not step.instruction.flag("from"):
        return None
    holder = next(stage for stage in build.stages if step in stage.steps)
    return build.find(expand(step.instruction.flag_value("from"), step.variables), holder)


def _installed_to(stage: Stage) -> Iterator[str]:
    """Yield the folders that the stage's commands install to."""
    for step in making_steps(stage):
        for found in installs(step):
            for value in found.values(
                "--prefix", "-t", "--target", "--root", "-w", "--wheel-dir", "-d", "--dest"
            ):
                yield step.path(value)
            if found.manager in ("uv", "poetry", "pipenv", "pdm"):
                named = step.variables.get("UV_PROJECT_ENVIRONMENT", ".venv")
                yield step.path(named)
        for command in step.commands:
            words = [word.text for word in command.words]
            yield from (step.path(word) for before, word in pairwise(words) if before == "venv")


def _bases_of_targets(build: Build, roles: dict[int, Role]) -> dict[int, Role]:
    """Take a stage that other targets are built on for no target itself, unless it starts something."""
    bases = {stage.base.index for stage in build.stages if stage.base and roles[stage.index] is Role.TARGET}
    return {
        index: Role.UNUSED
        for index in bases
        if roles[index] is Role.TARGET
        and not any(step.keyword == "CMD" for step in build.stages[index].steps)
    }
