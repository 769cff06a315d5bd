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
    if _stays(image, asked):
        kept: Settings = {"python": asked, "base": image.reference}
        message = f'python = "{asked}", base = "{image.reference}": {_why_kept(image, asked)}'
        return carried(
            span, message, kept, "`lightship lock` writes down its digest, and reads what is in it"
        )
    python = _supported(asked)
    settings: Settings = {"python": python, "base": f"debian:{SUITES[python]}"}
    message = f'python = "{python}", base = "debian:{SUITES[python]}": Debian\'s own Python {python}'
    problem = _problem(image, asked, python)
    if problem:
        return by_hand(span, f"{problem[0]}; {message}", problem[1], settings)
    return carried(span, message + _remark(image), settings, _hint(image, asked, python))


def _stays(image: ImageName, asked: str) -> bool:
    """Tell whether the image itself becomes the base: a Python that Debian lacks, or somebody's own."""
    if image.repository != "python" or not image.python or image.libc == "musl" or "/lambda/" in image.name:
        return False
    return asked not in SUITES or not image.is_official


def _why_kept(image: ImageName, asked: str) -> str:
    return f"no suite of Debian has Python {asked}" if image.is_official else "an image of your own"


def _problem(image: ImageName, asked: str, python: str) -> tuple[str, str] | None:
    """Say what another base means for the service, with a hint; None where it means nothing."""
    name = image.reference
    if not image.known:
        return "a build argument names the base", "see whether this is the Python"
    if "/lambda/" in image.name:
        hint = 'require awslambdaric, and command = ["python", "-m", "awslambdaric", "MODULE.HANDLER"]'
        return "an image of AWS Lambda", hint
    if not _PLAIN.fullmatch(image.repository):
        return (
            f"{name} brings more than a Python",
            f'name that in requirements; or base = "{name}", if its Python is a CPython with glibc',
        )
    if image.python and asked != python:
        hint = f'to keep {asked}: python = "{asked}" and base = "python:{asked}-slim", of Debian'
        return f"no suite of Debian has Python {asked}", hint
    return None if asked else ("the image's name tells no Python", "set `python` if it was another")


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


def _hint(image: ImageName, asked: str, python: str) -> str:
    if asked != python:
        return f"it was Python {asked}, the one of that system"
    if image.libc == "musl":
        return "wheels are those for glibc, and packages have Debian's names"
    return ""


def _distroless(image: ImageName) -> str:
    release = image.repository.rpartition("debian")[2] if "python3-debian" in image.repository else ""
    return {"11": "3.9", "12": "3.11", "13": "3.13"}.get(release, "")


def _conda(scene: Scene) -> str:
    texts = (scene.folder.read(name) or "" for name in ("environment.yml", "environment.yaml"))
    return next(filter(None, map(python_of, texts)), "")


def _platform(scene: Scene) -> Iterator[Outcome]:
    flag = scene.build.final.chain[0].start.flag("platform")
    if flag and re.fullmatch(r"linux/(?:amd64|arm64)", flag.value):
        yield carried(flag.span, f'platforms = ["{flag.value}"]', {"platforms": (flag.value,)})
