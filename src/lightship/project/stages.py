"""Named stages as they are configured: what takes from what, and which of them a variant needs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from typing import NamedTuple

from lightship.errors import UsageError
from lightship.project.config import Config, StageConfig

OUT = "/out"
"""Where a stage's commands leave what they hand on."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LINKS = ("bin", "lib", "lib64", "sbin")  # links into /usr, which a layer with such a folder would replace
_RESERVED = ("dev", "opt/venv", "proc", "run", "sys", "tmp")


class Take(NamedTuple):
    """A file or folder at `path` of a stage or an image, and its `place` in a working folder."""

    source: str
    path: str
    place: str

    @property
    def is_image(self) -> bool:
        """A bare word is a stage; `oci:DIR` and `NAME:TAG` are images."""
        return bool(re.search(r"[:/]", self.source))


def takes(stage: StageConfig) -> tuple[Take, ...]:
    """Read `from`, whose keys are `SOURCE:/path`."""
    return tuple(_take(key, place) for key, place in sorted(stage.from_.items()))


def stages_of(config: Config, variant: str) -> dict[str, StageConfig]:
    """Give the stages that a variant needs, each after those that it takes from."""
    needed: set[str] = set()
    todo = list(copied_stages(config, variant))
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += _sources(config.stages[name])
    return {name: config.stages[name] for name in _in_order(config.stages) if name in needed}


def copied_stages(config: Config, variant: str) -> dict[str, StageConfig]:
    """Give the stages whose `copy` goes into a variant's image, by name."""
    return {
        name: stage
        for name, stage in sorted(config.stages.items())
        if stage.copy and variant in (stage.variants or (variant,))
    }


def final_place(path: str, place: str) -> str:
    """Say where an output goes: into a place that ends with `/`, else under that very name."""
    return f"{place}{posixpath.basename(path.rstrip('/'))}" if place.endswith("/") else place


def check_stages(config: Config, where: str) -> None:
    """Refuse stages that cannot be built, or whose outputs cannot be placed; `where` is the file.

    Raises:
        UsageError: naming the stage, and what to write instead.

    """
    for name, stage in config.stages.items():
        for problem, hint in _problems(config, name, stage):
            raise UsageError(f"stage {name!r}: {problem}", where=where, hint=hint)
    try:
        _in_order(config.stages)
    except CycleError as error:
        path = " → ".join(reversed(error.args[1]))
        raise UsageError(
            f"the stages take from each other in a circle: {path}", where=where, hint="break it in `from`"
        ) from None
    for variant in config.variants:
        _check_places(copied_stages(config, variant), variant, where)


def _problems(config: Config, name: str, stage: StageConfig) -> Iterator[tuple[str, str]]:
    if not _NAME.fullmatch(name):
        yield "a name may hold letters, digits, - and _", "give it another name"
    for variant in stage.variants:
        if variant not in config.variants:
            yield f"unknown variant {variant!r}", _nearest(variant, config.variants, "variants")
    yield from _kind_problems(stage)
    for take in takes(stage):
        yield from _take_problems(take, config.stages)
    for path, place in stage.copy.items():
        if not stage.image:
            yield from _output_problems(path)
        elif not _is_absolute(path):
            yield f"copy: {path!r} is no absolute path of the image", "write it as /path"
        yield from _place_problems(place)
    if not stage.copy and not any(name in _sources(other) for other in config.stages.values()):
        yield "nothing of it is used", 'name what it hands on: copy = { "/out/file" = "/app/file" }'


def _kind_problems(stage: StageConfig) -> Iterator[tuple[str, str]]:
    keys = {"run": stage.run, "requirements": stage.requirements, "inputs": stage.inputs, "from": stage.from_}
    given = [key for key, value in keys.items() if value]
    if stage.image and given:
        yield f"`image` and `{given[0]}` exclude each other", "take from the image in a stage of its own"
    if not stage.image and not stage.run:
        yield "it has neither `run` nor `image`", 'write its commands: run = ["…"]'


def _take_problems(take: Take, stages: Mapping[str, StageConfig]) -> Iterator[tuple[str, str]]:
    if not take.source or not _is_absolute(take.path):
        yield f"from: {take.source or take.path!r} does not say which file", "write it as STAGE:/out/file"
        return
    if not take.is_image and take.source not in stages:
        yield f"from: unknown stage {take.source!r}", _nearest(take.source, stages, "stages")
    elif not take.is_image and not stages[take.source].image:
        yield from _output_problems(take.path)
    if take.place != posixpath.normpath(take.place) or take.place.startswith(("/", "..")):
        yield f"from: {take.place!r} is no path in the working folder", "write it as folder/file"


def _output_problems(path: str) -> Iterator[tuple[str, str]]:
    if not _is_absolute(path) or not f"{path}/".startswith(f"{OUT}/"):
        yield f"{path!r} is no output: outputs lie in {OUT}", f"have the command write it to {OUT}"


def _place_problems(place: str) -> Iterator[tuple[str, str]]:
    path = place.rstrip("/").removeprefix("/")
    if not path or not _is_absolute(f"/{path}") or not place.startswith("/"):
        yield f"copy: {place!r} is no absolute path below /", "write it as /app/file"
    elif path.split("/")[0] in _LINKS:
        yield f"copy: {place!r} goes through a link of the image", f"write it as /usr/{path}"
    elif any(f"{path}/".startswith(f"{folder}/") for folder in _RESERVED):
        yield (
            f"copy: {place!r} is reserved",
            "copy it to a folder of its own, such as one in /app or /usr/local",
        )


def _check_places(stages: Mapping[str, StageConfig], variant: str, where: str) -> None:
    places = [
        (final_place(path, place), name)
        for name, stage in stages.items()
        for path, place in sorted(stage.copy.items())
    ]
    for (place, first), (other, second) in combinations(places, 2):
        if place == other:
            raise UsageError(
                f"stages {first!r} and {second!r} both write {place}"
                if first != second
                else f"stage {first!r} writes {place} twice",
                where=where,
                hint=f"copy one of them elsewhere, or not in variant {variant!r}: see `variants`",
            )


def _take(key: str, place: str) -> Take:
    source, _, path = key.rpartition(":/")
    return Take(source, f"/{path}" if source else path, place)


def _sources(stage: StageConfig) -> list[str]:
    """Name the stages that a stage takes from."""
    return [take.source for take in takes(stage) if not take.is_image]


def _in_order(stages: Mapping[str, StageConfig]) -> list[str]:
    graph = {name: sorted(_sources(stage)) for name, stage in sorted(stages.items())}
    return [name for name in TopologicalSorter(graph).static_order() if name in stages]


def _is_absolute(path: str) -> bool:
    path = path.rstrip("/") or path
    return path.startswith("/") and path == posixpath.normpath(path) and not path.startswith("//")


def _nearest(name: str, known: Iterable[str], what: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known {what}: {', '.join(sorted(known))}"
