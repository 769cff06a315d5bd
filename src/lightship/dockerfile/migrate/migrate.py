"""From a parsed Dockerfile to the whole configuration; the only I/O is that of the folder."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightship.dockerfile.migrate.bases import base_outcomes
from lightship.dockerfile.migrate.commands import command_outcomes
from lightship.dockerfile.migrate.debian import package_outcomes
from lightship.dockerfile.migrate.dependencies import read_dependencies
from lightship.dockerfile.migrate.folder import Folder
from lightship.dockerfile.migrate.makers import from_outcomes
from lightship.dockerfile.migrate.model import Migration, Outcome, by_hand, carried, merged, row, unneeded
from lightship.dockerfile.migrate.roles import choose_final, find_roles
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.migrate.sources import find_layout, source_outcomes
from lightship.dockerfile.migrate.start import start_outcomes
from lightship.dockerfile.migrate.targets import target_files, target_outcomes
from lightship.dockerfile.migrate.users import user_outcomes
from lightship.dockerfile.migrate.variables import arguments, variable_outcomes
from lightship.dockerfile.migrate.variants import Choices, find_choices
from lightship.dockerfile.model import Document, Instruction
from lightship.dockerfile.stages import read_build
from lightship.errors import UsageError
from lightship.project.config import Config, parse_config
from lightship.project.stages import check_stages


def migrate(document: Document, folder: Folder, target: str = "") -> Migration:
    """Turn a Dockerfile without problems into configuration; `target` is the stage that is the image.

    The configuration is one that the project's own loader accepts.

    Raises:
        UsageError: if there is no stage called `target`.

    """
    build = choose_final(read_build(document, target), target)
    scene = Scene(build, folder, find_roles(build, folder))
    choices = find_choices(scene)
    dependencies = read_dependencies(scene, choices)
    found = (*dependencies.outcomes, *_outcomes(scene, choices))
    outcomes = sorted((*found, *_rest(scene, found)), key=lambda one: one.span.start)
    settings = merged((dependencies.settings, *(outcome.settings for outcome in outcomes)))
    accepted, refused = _accepted(scene, settings)
    rows = tuple(dict.fromkeys(row(document, outcome) for outcome in (*outcomes, *refused)))
    return Migration(accepted, {**dependencies.files, **target_files(scene)}, rows)


def _outcomes(scene: Scene, choices: Choices) -> Iterator[Outcome]:
    layout = find_layout(scene)
    yield from base_outcomes(scene)
    yield from source_outcomes(scene, layout)
    yield from from_outcomes(scene)
    yield from start_outcomes(scene, layout)
    yield from user_outcomes(scene)
    yield from target_outcomes(scene, layout)
    yield from _before_stages(scene, choices)
    for stage in scene.of_role(Role.FINAL, Role.BUILDER):
        yield from variable_outcomes(scene, stage, choices)
        for step in stage.steps:
            if step.keyword == "RUN":
                yield from package_outcomes(scene, stage, step)
                yield from command_outcomes(scene, stage, step)
    for stage in scene.of_role(Role.MAKER):
        for step in stage.steps:
            if step.keyword == "RUN":
                yield from package_outcomes(scene, stage, step)
    for stage in scene.of_role(Role.FINAL):
        for step in stage.steps:
            yield from _others(step.keyword, step.instruction)


def _rest(scene: Scene, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Say something of every instruction that no rule has spoken of."""
    starts = sorted(one.span.start for one in outcomes)
    for stage in scene.build.stages:
        for step in stage.steps:
            span = step.instruction.span
            at = bisect_left(starts, span.start)
            if at == len(starts) or starts[at] >= span.end:
                yield unneeded(span, _REST[scene.role(stage)])


def _before_stages(scene: Scene, choices: Choices) -> Iterator[Outcome]:
    for instruction in scene.build.document.instructions:
        if instruction.keyword == "FROM":
            return
        yield from arguments(instruction.pairs(), choices)


def _others(keyword: str, instruction: Instruction) -> Iterator[Outcome]:
    """Say what becomes of instructions that nothing else reads."""
    if keyword == "VOLUME":
        hint = "mount a volume where it is run: lightship run --volume, or the platform's own way"
        yield by_hand(instruction.span, "an image of Lightship declares no volume", hint)
    elif keyword == "SHELL":
        yield unneeded(instruction.span, "no shell builds the image")
    elif keyword == "ONBUILD":
        yield by_hand(
            instruction.span,
            "an image of Lightship is no base that builds",
            "do it where the other image is built",
        )
    elif keyword == "MAINTAINER":
        name = instruction.args.text.strip("\"' ")
        label = "org.opencontainers.image.authors"
        yield carried(instruction.span, f"label {label}", {"labels": {label: name}})


def _accepted(scene: Scene, settings: dict[str, Any]) -> tuple[dict[str, Any], tuple[Outcome, ...]]:
    """Order the settings as the documentation does, and leave out what the loader refuses."""
    ordered = {name: _plain(settings[name]) for name in Config.__struct_encode_fields__ if name in settings}
    refused: list[Outcome] = []
    while (error := _refusal(ordered)) is not None:
        name = _concerned(error, ordered)
        stage = re.match(r"stage '([^']+)':", error.message)
        if name == "stages" and stage and len(ordered[name]) > 1:
            del ordered[name][stage[1]]
        else:
            del ordered[name]
        hint = error.hint or "see docs/configuration.md"
        refused.append(by_hand(scene.build.final.start.span, f"{name}: {error.message}", hint))
    return ordered, tuple(refused)


def _refusal(settings: Mapping[str, Any]) -> UsageError | None:
    try:
        check_stages(parse_config(settings, Path("lightship.toml")), "lightship.toml")
    except UsageError as error:
        return error
    return None


def _concerned(error: UsageError, settings: Mapping[str, Any]) -> str:
    """Name the key that an error is about: its message begins with it, in the singular or plural."""
    for name in settings:
        if error.message.startswith(name.removesuffix("s")):
            return name
    raise error


def _plain(value: Any) -> Any:
    """Turn tuples into lists, and what was no UTF-8 into what can be written."""
    if isinstance(value, dict):
        return {_plain(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


_REST = {
    Role.FINAL: "told where it is used",
    Role.BUILDER: "of a stage that is not shipped",
    Role.MAKER: "told where its stage begins",
    Role.TARGET: "as in production",
    Role.UNUSED: "of a stage that nothing takes from",
}
