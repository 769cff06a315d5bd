"""Variants: the build argument that chooses what is installed, and which PyTorch each of its values means."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lightship.dockerfile.context import requirement_lines
from lightship.dockerfile.expand import expand
from lightship.dockerfile.images import ImageName
from lightship.dockerfile.migrate.asked import Asked, metadata
from lightship.dockerfile.migrate.branches import FALSE, Test, guarded
from lightship.dockerfile.migrate.options import TAG, torch_tag
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.packages import bare_name, read_install
from lightship.dockerfile.rules.torch import BRINGS_TORCH, uses_cuda
from lightship.dockerfile.stages import Step
from lightship.project.detect import CPU, NONE, TORCH

_TRUE = frozenset({"1", "true", "yes", "on", "True", "TRUE"})
_NAME = re.compile(r"\$\{?([A-Za-z_]\w*)")
_IN_FILE_NAME = re.compile(r"(?:^|[-_.])(cpu|cu\d{2,3})(?=[-_.])")
_BUILDS = ("cu118", "cu121", "cu124", "cu126", "cu128", "cu130")
"""PyTorch's CUDA builds, oldest first."""
_MOST = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One variant: build arguments with their values; with no name yet where there is no choice."""

    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """Every variant, the default one first; `argument` is the build argument that chooses, or empty."""

    argument: str
    every: tuple[Choice, ...]


def find_choices(scene: Scene) -> Choices:
    """Find the build argument that most depends on, and its values."""
    defaults = _arguments(scene)
    values = {name: _values(scene, name, default) for name, default in defaults.items()}
    chosen = max(values, key=lambda name: len(values[name]), default="")
    if not chosen or len(values[chosen]) < 2:
        return Choices("", (Choice(),))
    names = _names(chosen, values[chosen])
    return Choices(chosen, tuple(Choice(names[value], {chosen: value}) for value in values[chosen][:_MOST]))


def torch_of(scene: Scene, asked: Asked, choice: Choice) -> str:
    """Say which PyTorch a variant takes: what an index, a file, the value, or the base image names."""
    lines = asked_lines(scene, asked)
    told = asked.torch or torch_tag("\n".join(lines or ())) or _told_by_names(asked, choice)
    if told:
        return told
    if lines is not None and not brings_torch(lines):
        return NONE
    return cuda_of_bases(scene) or CPU


def brings_torch(lines: Iterable[str]) -> bool:
    return any(bare_name(line) in BRINGS_TORCH | TORCH for line in lines)


def takes_cuda_needlessly(scene: Scene, asked: Asked) -> bool:
    """Tell whether PyTorch comes as the index has it, with CUDA, in a file with no sign of CUDA."""
    lines = asked_lines(scene, asked) or ()
    return brings_torch(lines) and not torch_tag("\n".join(lines)) and not uses_cuda(scene.build, lines)


def asked_lines(scene: Scene, asked: Asked) -> tuple[str, ...] | None:
    """Give every requirement that is asked for, as it is written; None if a file cannot be read."""
    lines = list(asked.lines)
    for name in asked.files:
        found = requirement_lines(scene.folder, name)
        if found is None:
            return None
        lines += found
    if asked.project:
        table = metadata(scene).get("project", {})
        if "dependencies" not in table:
            return None
        lines += table["dependencies"]
        optional: Mapping[str, Any] = table.get("optional-dependencies", {})
        lines += (line for extra in asked.extras for line in optional.get(extra, ()))
    return tuple(lines)


def cuda_of_bases(scene: Scene) -> str:
    """Give PyTorch's build for the CUDA of a base image; "" where none has it."""
    for stage in (*scene.build.final.chain, *scene.of_role(Role.BUILDER)):
        version = _cuda_version(stage.image)
        if version:
            fitting = [build for build in _BUILDS if int(build.removeprefix("cu")) <= int(version)]
            return fitting[-1] if fitting else _BUILDS[0]
    return ""


def _cuda_version(image: ImageName) -> str:
    pattern = r"(\d+)\.(\d+)" if image.is_cuda else r"cuda(\d+)\.(\d+)"
    match = re.match(pattern, image.tag) if image.is_cuda else re.search(pattern, image.tag)
    return f"{match[1]}{match[2]}" if match else ""


def _told_by_names(asked: Asked, choice: Choice) -> str:
    for value in choice.values.values():
        if TAG.fullmatch(value) or value == NONE:
            return value
    for name in asked.files:
        match = _IN_FILE_NAME.search(posixpath.basename(name))
        if match:
            return match[1]
    return ""


def _arguments(scene: Scene) -> dict[str, str]:
    """Give the build arguments of the file with their defaults."""
    found: dict[str, str] = {}
    for instruction in scene.build.document.instructions:
        if instruction.keyword == "ARG":
            found |= {name: value or found.get(name, "") for name, value, _ in instruction.pairs()}
    return found


def _values(scene: Scene, name: str, default: str) -> list[str]:
    values = dict.fromkeys([default] if default else ())
    tests = [test for test in _tests(scene) if test.name == name]
    for test in tests:
        values |= dict.fromkeys(sorted(test.values))
    values |= dict.fromkeys(_from_files(scene, name))
    if tests and not default:
        values = {"": None, **values}
    if len(values) == 1 and tests:
        values |= {"gpu" if CPU in values else "other": None}
    return list(values)


def _tests(scene: Scene) -> Iterator[Test]:
    """Yield the tests that installations depend on."""
    source = scene.build.document.source.text
    for stage in scene.of_role(Role.FINAL, Role.BUILDER):
        for step in stage.steps:
            for one in guarded(step, source) if step.keyword == "RUN" else ():
                found = read_install(one.command)
                if found and found.is_python:
                    yield from one.tests or ()


def _from_files(scene: Scene, name: str) -> Iterator[str]:
    """Yield the values for which the project has the file: `requirements-torch-$NAME.txt`."""
    for stage in scene.of_role(Role.FINAL, Role.BUILDER):
        for step in stage.steps:
            if step.from_context:
                for word in step.sources:
                    yield from _matching(scene, step, word.text, name)


def _matching(scene: Scene, step: Step, text: str, name: str) -> Iterator[str]:
    if name not in _NAME.findall(text):
        return
    mark = "\x00"
    written = expand(text, {**step.variables, name: mark})
    folder, base = posixpath.split(posixpath.normpath(written.lstrip("/")))
    if base.count(mark) == 1:
        before, _, after = base.partition(mark)
        for found in scene.folder.names(folder or "."):
            if found.startswith(before) and found.endswith(after) and len(found) > len(before) + len(after):
                yield found[len(before) : len(found) - len(after)]


def _names(argument: str, values: list[str]) -> dict[str, str]:
    """Name variants by the values; by the argument where these are yes and no."""
    if set(values) <= FALSE | _TRUE:
        plain = re.sub(r"^(?:with|use|enable|install)[-_]", "", argument.lower()).replace("_", "-").strip("-")
        plain = plain or "yes"
        no = NONE if plain == "torch" else f"no-{plain}"
        return {value: no if value in FALSE else plain for value in values}
    return {value: re.sub(r"[^A-Za-z0-9_-]+", "-", value).strip("-_") or "default" for value in values}


def with_values(scene: Scene, choice: Choice) -> Scene:
    return replace(scene, values=choice.values)
