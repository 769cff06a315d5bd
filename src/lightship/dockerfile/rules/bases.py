"""Base images: which one, and whether builder and final stage fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.images import ImageName, parse_image
from lightship.dockerfile.packages import chain_installs
from lightship.dockerfile.stages import Build, Stage

TAG = Rule(
    "LD301-image-tag",
    "an image is named without a tag, or with latest",
    Severity.WARNING,
    "What it means changes from one day to the next: the same file builds another image, or none.",
    "name a version, or better a version and a digest",
)
PYTHON = Rule(
    "LD302-python-differs",
    "builder and final stage have different Pythons",
    Severity.ERROR,
    "Compiled wheels and site-packages are for one minor version: in the other they cannot be imported.",
    "use the same minor version in both stages, by an ARG before the first FROM",
)
LIBC = Rule(
    "LD303-libc-differs",
    "builder and final stage have different C libraries",
    Severity.ERROR,
    "What was compiled against glibc does not load with musl, nor the other way.",
    "use one distribution in both stages",
)
GLIBC = Rule(
    "LD304-older-glibc",
    "the final stage's glibc is older than the builder's",
    Severity.WARNING,
    "What the builder compiles may ask for what the older library lacks: `version GLIBC_2.38 not found`.",
    "use the same suite in both stages, or the older one in the builder",
)
RULES = (TAG, PYTHON, LIBC, GLIBC)

_FLOATING = ("latest", "nightly", "edge", "dev", "main", "master")
_APT_PYTHON = re.compile(r"python(3\.\d+)(?:-(?:minimal|venv|full|dev))?")


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    for stage in build.stages:
        if stage.base is None:
            yield from _tag(build, stage)
        for step, name, source in build.references(stage):
            flag = step.instruction.flag("from")
            if source is None and flag and looks_like_image(name):
                image = parse_image(name)
                if _floats(image):
                    yield TAG.at(flag.span, f"{name} is whatever is newest")
    for stage in build.builders:
        if stage.base is None or stage.base not in build.builders:
            yield from _pair(stage, build.final)


def looks_like_image(name: str) -> bool:
    """Tell an image from a misspelt stage: it has a registry, a tag or a digest."""
    return any(character in name for character in "/:@")


def _tag(build: Build, stage: Stage) -> Iterator[Found]:
    image = stage.image
    if not _floats(image):
        return
    written = build.document.source.slice(stage.start.words[0].span)
    yield TAG.at(stage.start.words[0].span, f"{written} is whatever is newest")


def _floats(image: ImageName) -> bool:
    if image.name == "scratch" or image.digest or not image.known:
        return False
    return not image.tag or image.tag in _FLOATING


def _pair(builder: Stage, final: Stage) -> Iterator[Found]:
    if not any(found.is_python for _, found in chain_installs(builder)):
        return
    here, there = python_of(builder), python_of(final)
    place = builder.chain[0].start.words[0].span
    if here and there and here != there:
        message = f"{builder.label} has Python {here}, the final stage {there}"
        yield PYTHON.at(place, message)
    first, last = builder.root_image, final.root_image
    if first.libc and last.libc and first.libc != last.libc:
        yield LIBC.at(place, f"{builder.label} has {first.libc}, the final stage {last.libc}")
    elif first.glibc and last.glibc and first.glibc > last.glibc:
        message = f"{builder.label} has glibc {_dotted(first.glibc)}, the final stage {_dotted(last.glibc)}"
        yield GLIBC.at(place, message)


def python_of(stage: Stage) -> str:
    """Find the Python of a stage: its image's, or the one of the distribution's packages."""
    image = stage.root_image
    if image.python:
        return image.python
    every = [found for _, found in chain_installs(stage)]
    names = [name for found in every if found.manager == "apt" for name in found.names]
    pip = any(found.command.program in ("pip", "pip3") for found in every)
    if pip and "python3-pip" in names and image.system_python:
        return image.system_python  # Debian's pip belongs to Debian's Python, whatever else is installed
    for name in names:
        if match := _APT_PYTHON.fullmatch(name):
            return match[1]
    return (
        image.system_python
        if any(name in ("python3", "python3-pip", "python3-venv") for name in names)
        else ""
    )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
