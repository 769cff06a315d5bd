"""`FROM`: Python and base of the image, and what becomes of each stage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.images import ImageName
from lightship.dockerfile.migrate.conda import python_of
from lightship.dockerfile.migrate.dependencies import torch_of_base
from lightship.dockerfile.migrate.model import Outcome, Settings, by_hand, carried, unneeded
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.packages import stage_installs
from lightship.dockerfile.stages import Stage
from lightship.project.detect import SUITES

_PLAIN = re.compile(
    r"python|debian|ubuntu|uv|cuda|pytorch|miniconda3?|anaconda3?|micromamba|alpine|python3-debian\d+|buildpack-deps"
)
"""Images that bring a system and a Python, and no service."""


def base_outcomes(scene: Scene) -> Iterator[Outcome]:
    """Say what becomes of every stage."""
    for stage in scene.build.stages:
        role = scene.role(stage)
        span = stage.start.span
        if role is Role.FINAL and stage.base is None:
            yield _base(scene, stage)
        elif role is Role.FINAL:
            yield unneeded(
                span, f"continues {stage.base.label}: one image, whatever its stages" if stage.base else ""
            )
        elif role is Role.BUILDER:
            yield unneeded(span, "wheels come ready; what has none is built in Lightship's own builder")
        elif role is Role.UNUSED:
            yield unneeded(span, "nothing of this stage is in the image")
    yield from _platform(scene)


def find_python(scene: Scene) -> str:
    """Give the Python of the image as the file names it, as `3.11`; "" if it does not."""
    stages = (*scene.build.final.chain, *scene.of_role(Role.BUILDER))
    told = [stage.root_image.python for stage in stages]
    packaged = [
        match[1]
        for stage in scene.build.final.chain
        for _, found in stage_installs(stage)
        for name in found.names
        if (match := re.fullmatch(r"python(3\.\d+)(?:-\w+)?", name))
    ]
    images = [stage.root_image for stage in scene.build.final.chain]
    system = [image.system_python or _distroless(image) for image in images]
    return next(filter(None, (*told[:1], *packaged, *told, _conda(scene), *system)), "")


def _base(scene: Scene, stage: Stage) -> Outcome:
    span, image = stage.start.span, stage.image
    if "windows" in image.name or "nanoserver" in image.name:
        return by_hand(span, "an image of Windows", "Lightship makes images of Linux alone")
    asked = find_python(scene)
    python = _supported(asked)
    settings: Settings = {"python": python, "base": f"debian:{SUITES[python]}"}
    message = f'python = "{python}", base = "debian:{SUITES[python]}": Debian\'s own Python {python}'
    name = f"{image.name}:{image.tag}".rstrip(":")
    if not image.known:
        return by_hand(
            span, f"a base that a build argument names; {message}", "see whether this is the Python", settings
        )
    if not _PLAIN.fullmatch(image.repository) or _is_lambda(image):
        hint = f'name in requirements what the service needs of it, or copy it to a layout (skopeo copy docker://{name} oci:base) and set base = "oci:base"'
        return by_hand(span, f"{name} brings more than a Python; {message}", hint, settings)
    if asked and asked != python:
        hint = f'to keep {asked}: skopeo copy docker://{name} oci:base, then python = "{asked}" and base = "oci:base"'
        return by_hand(span, f"no suite of Debian has Python {asked}; {message}", hint, settings)
    if not asked:
        return by_hand(
            span, f"the image's name tells no Python; {message}", "set `python` if it was another", settings
        )
    return carried(span, message + _remark(image), settings, _hint(image))


def _supported(asked: str) -> str:
    """Give the Python that Debian has: that one, else the next, else the newest."""
    later = [python for python in SUITES if _minor(python) >= _minor(asked or "3.11")]
    return later[0] if later else list(SUITES)[-1]


def _minor(python: str) -> int:
    return int(python.partition(".")[2])


def _remark(image: ImageName) -> str:
    if image.is_cuda:
        return "; CUDA comes with the wheels, the driver from the host"
    if torch_of_base(image):
        return f"; {torch_of_base(image)} becomes a requirement, CUDA comes with the wheels"
    return ""


def _hint(image: ImageName) -> str:
    if image.libc == "musl":
        return "wheels are those for glibc, and packages have Debian's names"
    return ""


def _is_lambda(image: ImageName) -> bool:
    return "/lambda/" in image.name


def _distroless(image: ImageName) -> str:
    return {"11": "3.9", "12": "3.11", "13": "3.13"}.get(image.repository.rpartition("debian")[2], "")


def _conda(scene: Scene) -> str:
    texts = (scene.folder.read(name) or "" for name in ("environment.yml", "environment.yaml"))
    return next(filter(None, map(python_of, texts)), "")


def _platform(scene: Scene) -> Iterator[Outcome]:
    flag = scene.build.final.chain[0].start.flag("platform")
    if flag and re.fullmatch(r"linux/(?:amd64|arm64)", flag.value):
        yield carried(flag.span, f'platforms = ["{flag.value}"]', {"platforms": (flag.value,)})
