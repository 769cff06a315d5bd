"""Stages for other purposes than production: each a target, on top of what production has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.migrate.dependencies import Call, calls_of, plain_outcomes, whole_of
from lightship.dockerfile.migrate.model import Outcome, Settings, by_hand, carried, unneeded
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.migrate.sources import Layout
from lightship.dockerfile.migrate.start import start_of
from lightship.dockerfile.migrate.variables import variable_settings
from lightship.dockerfile.packages import installs
from lightship.dockerfile.stages import Stage
from lightship.project.config import PRODUCTION
from lightship.project.targets import DEVELOPMENT


def target_outcomes(scene: Scene, layout: Layout) -> Iterator[Outcome]:
    """Say what becomes of the stages that are no part of production's image."""
    for stage in scene.of_role(Role.TARGET):
        name = target_name(stage)
        yield carried(
            stage.start.span, f"target {name!r}", {"targets": {name: _settings(scene, stage, layout)}}
        )
        yield from _calls(scene, stage, name)
        yield from _steps(stage)


def target_files(scene: Scene) -> dict[str, str]:
    """Give the files for requirements of targets that stand in no file."""
    found = {}
    for stage in scene.of_role(Role.TARGET):
        lines = whole_of(scene, _own_calls(scene, stage)).lines
        if lines:
            found[_file(target_name(stage))] = "".join(f"{line}\n" for line in lines)
    return found


def target_name(stage: Stage) -> str:
    """Give a target's name: small letters, digits and single hyphens."""
    plain = "-".join(re.findall(r"[a-z0-9]+", stage.name.lower()))
    if plain in ("dev", "devel", "develop"):
        return DEVELOPMENT
    return f"{plain}-stage" if plain == PRODUCTION else plain or f"stage-{stage.index}"


def _settings(scene: Scene, stage: Stage, layout: Layout) -> Settings:
    asked = whole_of(scene, _own_calls(scene, stage))
    inline = (_file(target_name(stage)),) if asked.lines else ()
    final = {one.index for one in scene.build.final.chain}
    own = [step for one in stage.chain if one.index not in final for step in one.steps]
    packages = tuple(
        name
        for step in own
        for found in installs(step)
        if found.manager == "apt" and found.action == "install" and found.verb.text == "install"
        for name in found.names
        if name
    )
    env: dict[str, str] = {}
    for step in own:
        env |= variable_settings(scene, step) if step.keyword == "ENV" else {}
    started = any(step.keyword in ("CMD", "ENTRYPOINT") for step in own)
    settings: dict[str, object] = {}
    if asked.files or inline:
        settings["requirements"] = (*asked.files, *inline)
    if packages:
        settings["packages"] = tuple(dict.fromkeys(packages))
    if started and (command := start_of(scene, stage, layout).words):
        settings["command"] = command
    return {**settings, "env": env} if env else settings


def _own_calls(scene: Scene, stage: Stage) -> tuple[Call, ...]:
    return tuple(calls_of(scene, [one for one in stage.chain if scene.role(one) is not Role.FINAL]))


def _calls(scene: Scene, stage: Stage, name: str) -> Iterator[Outcome]:
    for call in calls_of(scene, (stage,)):
        yield from plain_outcomes(scene, call, _file(name))


def _steps(stage: Stage) -> Iterator[Outcome]:
    for step in stage.steps:
        span = step.instruction.span
        if step.keyword in ("COPY", "ADD"):
            yield unneeded(span, "a target has production's sources")
        elif step.keyword == "USER":
            yield unneeded(span, "a target has production's user")
        elif step.keyword == "RUN" and not installs(step):
            yield by_hand(
                span,
                "targets run no commands",
                "run it on the started image: lightship run --target NAME . -- COMMAND",
            )
        elif step.keyword in ("CMD", "ENTRYPOINT"):
            yield carried(span, "command of the target", {})
        elif step.keyword == "ENV":
            yield carried(span, "env of the target", {})


def _file(name: str) -> str:
    return f"requirements-{name}-inline.txt"
