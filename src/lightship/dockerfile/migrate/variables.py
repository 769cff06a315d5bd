"""`ENV`, `ARG` and `LABEL`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.migrate.model import Outcome, by_hand, carried, unneeded
from lightship.dockerfile.migrate.options import INDEX, torch_tag
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.migrate.variants import Choices
from lightship.dockerfile.rules.secrets import is_harmless, is_secret_name
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step
from lightship.net.redact import redact_text
from lightship.project.config import OWN_LABELS

_OF_BUILDS = re.compile(
    r"PIP_\w+|UV_\w+|POETRY_\w+|PIPENV_\w+|PDM_\w+|CONDA_\w+|DEBIAN_FRONTEND|VIRTUAL_ENV|APT_\w+|CMAKE_\w+|CFLAGS|CXXFLAGS"
    r"|LDFLAGS|CC|CXX|MAKEFLAGS|SETUPTOOLS_\w+|NODE_ENV|NPM_\w+|CARGO_\w+|RUSTUP_\w+|PYTHON_VERSION|PYTHON_PIP_VERSION|PYTHONPYCACHEPREFIX"
)
_INDEXES = re.compile(r"(?:PIP|UV)_(?:EXTRA_)?(?:INDEX_URL|FIND_LINKS|DEFAULT_INDEX|INDEX)|UV_TORCH_BACKEND")
_CUDA = re.compile(
    r"CUDA_(?:HOME|PATH|VERSION|ROOT)|NVIDIA_(?:VISIBLE_DEVICES|DRIVER_CAPABILITIES|REQUIRE_CUDA)"
)
_VENV_PATH = re.compile(
    r"(?:^|:)[^:]*(?:venv|\.local|/opt/conda|\$\{?VIRTUAL_ENV\}?|poetry|uv|cargo|/usr/local)[^:]*(?=:|$)"
)
_SECRET = "give it when the service starts: lightship run --env, a secret of the platform"  # noqa: S105 - advice


def variable_outcomes(scene: Scene, stage: Stage, choices: Choices) -> Iterator[Outcome]:
    """Say what becomes of every `ENV`, `ARG` and `LABEL` of a stage."""
    shipped = scene.role(stage) is Role.FINAL
    last = {
        name: step
        for step in scene.final_steps
        if step.keyword == "ENV"
        for name, _, _ in step.instruction.pairs()
    }
    for step in stage.steps:
        if step.keyword == "ARG":
            yield from arguments(step.instruction.pairs(), choices)
        for name, value, span in step.instruction.pairs() if step.keyword in ("ENV", "LABEL") else ():
            if step.keyword == "LABEL":
                yield (
                    _label(scene, step, name, value, span) if shipped else unneeded(span, "of another stage")
                )
            elif shipped and last[name] is not step:
                yield unneeded(span, "set again below")
            else:
                yield _variable(scene, step, name, value, span, shipped=shipped)


def arguments(pairs: tuple[tuple[str, str, Span], ...], choices: Choices) -> Iterator[Outcome]:
    for name, _, span in pairs:
        if name == choices.argument:
            names = ", ".join(choice.name for choice in choices.every)
            yield carried(span, f"variants {names}: lightship build --variant", {})
        elif is_secret_name(name):
            yield by_hand(
                _name_alone(span, name),
                f"{name} is a secret, and builds take none",
                "an index's credentials belong in ~/.netrc; the service's are given when it starts",
            )
        else:
            yield unneeded(span, "its default is put in where it is used")


def variable_settings(scene: Scene, step: Step) -> dict[str, str]:
    """Give the variables of an `ENV` that the service itself reads."""
    found: dict[str, str] = {}
    for name, value, span in step.instruction.pairs():
        settings = _variable(scene, step, name, value, span, shipped=True).settings
        found |= settings.get("env", {})
    return found


def _variable(scene: Scene, step: Step, name: str, value: str, span: Span, *, shipped: bool) -> Outcome:
    text = expand(value, scene.variables(step))
    if is_secret_name(name) and not is_harmless(text):
        return by_hand(_name_alone(span, name), f"{name} is a secret, and an image keeps none", _SECRET)
    if _INDEXES.fullmatch(name):
        return _index(name, text, span)
    why = _needless(name, text) or ("" if shipped else "of a stage that is not shipped")
    if why:
        return unneeded(span, why)
    return _path(text, span) if name == "PATH" else _plain(name, text, span)


def _plain(name: str, text: str, span: Span) -> Outcome:
    if unknown(text):
        hint = f'env = {{ {name} = "…" }}, or set it when the service starts'
        return by_hand(span, f"{name} depends on a build argument without a value", hint)
    return carried(span, f'env {name} = "{redact_text(text)}"', {"env": {name: text}})


def _needless(name: str, text: str) -> str:
    if name == "PYTHONDONTWRITEBYTECODE":
        return "the service's user cannot write to the image, which brings bytecode"
    if name == "PYTHONUNBUFFERED" and text:
        return "set in every image"
    if name == "LANG" and text.upper().replace("-", "") == "C.UTF8":
        return "set in every image"
    if _CUDA.fullmatch(name):
        return "set where the wheels bring CUDA"
    if name == "LD_LIBRARY_PATH" and "cuda" in text:
        return "wheels find their own CUDA"
    return "only builds read it" if _OF_BUILDS.fullmatch(name) else ""


def _index(name: str, text: str, span: Span) -> Outcome:
    if torch_tag(text) or name == "UV_TORCH_BACKEND":
        return unneeded(span, "`torch` of the variant names the build of PyTorch")
    return by_hand(span, f"{name}: {redact_text(text)}", INDEX)


def _path(text: str, span: Span) -> Outcome:
    rest = [part for part in _VENV_PATH.sub("", text).split(":") if part and not part.startswith("$")]
    if all(re.fullmatch(r"/(?:usr/)?(?:local/)?s?bin", part) for part in rest):
        return unneeded(span, "the virtual environment is first in PATH")
    return by_hand(span, f"PATH: {', '.join(rest)}", "name programs by their whole path in `command`")


def _label(scene: Scene, step: Step, name: str, value: str, span: Span) -> Outcome:
    text = expand(value, scene.variables(step))
    if unknown(text) or name.endswith((".created", ".revision")):
        return by_hand(
            span,
            f"label {name} differs from build to build",
            "an image is a function of its files: write it on what is pushed, such as its tag",
        )
    if name.startswith(OWN_LABELS):
        return unneeded(span, "Lightship's own")
    return carried(span, f"label {name}", {"labels": {name: text}})


def _name_alone(span: Span, name: str) -> Span:
    """Leave the value out of what is shown."""
    return Span(span.start, min(span.end, span.start + len(name)))
