"""Installations of Python packages: each variant's requirements, and what is said of every call."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain

from lightship.dockerfile.images import ImageName
from lightship.dockerfile.migrate.asked import Asked, read_asked
from lightship.dockerfile.migrate.branches import Guarded, guarded
from lightship.dockerfile.migrate.model import Outcome, Settings, by_hand, carried, unneeded
from lightship.dockerfile.migrate.options import TAG, TOOLS
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.migrate.variants import (
    Choice,
    Choices,
    takes_cuda_needlessly,
    torch_of,
    with_values,
)
from lightship.dockerfile.packages import Install, read_install
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step
from lightship.project.config import Config
from lightship.project.detect import CPU, NONE

INLINE = "requirements-inline.txt"


@dataclass(frozen=True)
class Call:
    """One installation of Python packages, and where it stands."""

    stage: Stage
    step: Step
    found: Install
    guard: Guarded

    @property
    def span(self) -> Span:
        return self.found.command.span


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The variants as they are configured, files to be written, and what is said of each call."""

    settings: Settings
    files: Mapping[str, str]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _Variant:
    """A variant with a name, all that it asks for, and the file for requirements that stand in none."""

    name: str
    choice: Choice
    asked: Asked
    torch: str
    file: str = INLINE

    @property
    def takes_lines(self) -> bool:
        """Whether requirements of no file count: beside pyproject.toml's dependencies no file does."""
        return not self.asked.project or bool(self.asked.files and not self.asked.extras)


def read_dependencies(scene: Scene, choices: Choices) -> Dependencies:
    """Read every installation in the image's own stages and in builders."""
    calls = tuple(calls_of(scene, scene.of_role(Role.FINAL, Role.BUILDER)))
    variants = _variants(scene, calls, choices)
    outcomes = (
        *chain.from_iterable(_outcomes(scene, call, variants) for call in calls),
        *_code(scene, calls),
    )
    if all(one.asked.is_empty for one in variants):
        unread = any(_read(scene, call).remarks for call in calls)
        return Dependencies({}, {}, outcomes if unread else (*outcomes, *_nothing(scene)))
    files = {one.file: _text(one.asked.lines) for one in variants if one.takes_lines and one.asked.lines}
    settings: Settings = {"variants": {one.name: _table(one) for one in variants}}
    if len(variants) > 1:
        settings = {"variant": variants[0].name, **settings}
    return Dependencies(settings, files, (*outcomes, *_of_torch(scene, calls, variants[0])))


def calls_of(scene: Scene, stages: Sequence[Stage]) -> Iterator[Call]:
    """Yield the installations of Python packages in stages' own steps."""
    source = scene.build.document.source.text
    for stage in stages:
        for step in stage.steps:
            for one in guarded(step, source) if step.keyword == "RUN" else ():
                found = read_install(one.command)
                if found and found.is_python:
                    yield Call(stage, step, found, one)


def whole_of(scene: Scene, calls: Sequence[Call], choice: Choice | None = None) -> Asked:
    """Put together what several calls ask for, in a variant if one is given."""
    seen = with_values(scene, choice) if choice else scene
    running = (call for call in calls if call.guard.runs(seen.variables(call.step)))
    return reduce(lambda one, other: one + other, (_read(seen, call) for call in running), Asked())


def plain_outcomes(scene: Scene, call: Call, file: str) -> Iterator[Outcome]:
    """Say what became of a call outside of variants; `file` is where requirements of no file go."""
    idle = _idle(call.found)
    if idle:
        yield unneeded(call.span, idle)
        return
    asked = _read(scene, call)
    if not asked.is_empty:
        yield carried(call.span, f"requirements: {asked.describe(file)}", {})
    for message, hint in asked.remarks:
        yield by_hand(call.span, message, hint)


def torch_of_base(image: ImageName) -> str:
    """Give the PyTorch that an image of its makers brings, as a requirement; "" for other images."""
    version = image.tag.partition("-")[0]
    return f"torch=={version}" if image.repository == "pytorch" and version[:1].isdigit() else ""


def _variants(scene: Scene, calls: Sequence[Call], choices: Choices) -> tuple[_Variant, ...]:
    base = torch_of_base(scene.build.final.root_image)
    below = Asked(lines=(base,)) if base else Asked()
    made = []
    for choice in choices.every:
        asked = below + whole_of(scene, calls, choice)
        torch = torch_of(with_values(scene, choice), asked, choice)
        name = choice.name or (torch if torch == NONE or TAG.fullmatch(torch) else CPU)
        made.append(_Variant(name, choice, asked, torch))
    if len({one.asked.lines for one in made}) == 1:
        return tuple(made)
    return tuple(
        _Variant(one.name, one.choice, one.asked, one.torch, f"requirements-inline-{one.name}.txt")
        for one in made
    )


def _table(variant: _Variant) -> Settings:
    asked = variant.asked
    inline = (variant.file,) if asked.lines and variant.takes_lines else ()
    table: dict[str, object] = {"torch": variant.torch}
    if asked.project and (asked.extras or not asked.files):
        return {"extras": asked.extras, **table} if asked.extras else table
    return {"requirements": (*asked.files, *inline), **table}


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _read(scene: Scene, call: Call) -> Asked:
    return Asked() if _idle(call.found) else read_asked(scene, call.stage, call.step, call.found)


def _idle(found: Install) -> str:
    """Say why a call brings nothing that the image needs; "" if it does."""
    if found.action == "clean":
        return "nothing but what is listed comes into a layer: there is nothing to clean"
    if found.action not in ("install", "wheel", "download"):
        return "what is not asked for is not installed"
    if found.names and not found.requirement_files and set(found.names) <= TOOLS:
        return "the lock resolves packages; no installer is in the image"
    return ""


def _outcomes(scene: Scene, call: Call, variants: Sequence[_Variant]) -> Iterator[Outcome]:
    idle = _idle(call.found)
    if idle:
        yield unneeded(call.span, idle)
        return
    asked = {}
    for one in variants:
        seen = with_values(scene, one.choice)
        if call.guard.runs(seen.variables(call.step)):
            asked[one.name] = _read(seen, call)
    told = {name: one for name, one in asked.items() if not one.is_empty}
    remarks = dict.fromkeys(remark for one in asked.values() for remark in one.remarks)
    dropped = _dropped(call, variants, told)
    if dropped:
        yield dropped
    elif told:
        yield carried(call.span, f"requirements: {_described(told, variants)}", {}, _kept(call.found, told))
    elif not remarks:
        yield unneeded(call.span, "every wheel is a layer by itself: nothing is installed in the image")
    for message, hint in remarks:
        yield by_hand(call.span, message, hint)
    if call.guard.tests is None and told:
        hint = "see which requirements belong to which variant"
        yield by_hand(call.span, "the condition around it was not understood", hint)


def _dropped(call: Call, variants: Sequence[_Variant], told: Mapping[str, Asked]) -> Outcome | None:
    lines = dict.fromkeys(
        line for one in variants if one.name in told and not one.takes_lines for line in told[one.name].lines
    )
    if not lines:
        return None
    message = f"{', '.join(lines)}: beside the dependencies of pyproject.toml no file is read"
    return by_hand(call.span, message, "add them to `dependencies` in pyproject.toml")


def _described(told: Mapping[str, Asked], variants: Sequence[_Variant]) -> str:
    files = {one.name: one.file for one in variants}
    if len({*told.values()}) == 1 and len({files[name] for name in told}) == 1:
        name, asked = next(iter(told.items()))
        of = "" if len(told) == len(variants) else f" (variant {', '.join(told)})"
        return f"{asked.describe(files[name])}{of}"
    return "; ".join(f"{name}: {asked.describe(files[name])}" for name, asked in told.items())


def _kept(found: Install, told: Mapping[str, Asked]) -> str:
    """Say how the versions of another tool's lock are kept."""
    if found.manager not in ("uv", "poetry", "pdm") or not any(one.project for one in told.values()):
        return ""
    lock = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock"}[found.manager]
    return f"versions are resolved anew, to pylock.*.toml: {lock} is not read"


def _of_torch(scene: Scene, calls: Sequence[Call], variant: _Variant) -> Iterator[Outcome]:
    """Say so where PyTorch would have come with CUDA for nothing."""
    if variant.torch == CPU and calls and takes_cuda_needlessly(scene, variant.asked):
        message = 'PyTorch with CUDA is what the index has, and nothing here uses it: torch = "cpu"'
        hint = 'for a GPU, write torch = "cu126" or the like'
        place = next(call for call in calls if not _read(scene, call).is_empty)
        yield carried(place.span, message, {}, hint)


def _code(scene: Scene, calls: Sequence[Call]) -> Iterator[Outcome]:
    """Put the folder `src` on the import path where the project itself would have been installed."""
    place = next((call for call in calls if _read(scene, call).code), None)
    if place and scene.folder.is_folder("src"):
        path = posixpath.join(scene.workdir or Config().workdir, "src")
        yield carried(
            place.span,
            f"PYTHONPATH names {path}, which holds the project's packages",
            {"env": {"PYTHONPATH": path}},
        )


def _nothing(scene: Scene) -> Iterator[Outcome]:
    hint = 'name requirement files in [variants.cpu] requirements = ["…"]; an empty file will do'
    yield by_hand(scene.build.final.start.span, "no requirements were found", hint)
