"""What one call of pip, uv, Poetry, Pipenv, PDM or conda asks for."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.migrate.conda import read_environment
from lightship.dockerfile.migrate.options import INDEX, index_urls, torch_tag, unknown_options
from lightship.dockerfile.migrate.scene import Scene
from lightship.dockerfile.packages import Install
from lightship.dockerfile.stages import Stage, Step
from lightship.net.redact import redact_text

_URL = re.compile(r"(?:[\w.-]+(?:\[[^\]]*\])?\s*@\s*)?(?:git|hg|svn|bzr)\+.*|.*://.*")
_WHEELS = re.compile(r".*\.(?:whl|tar\.gz|zip)|.*\*.*")
_PATH = re.compile(r"(?P<path>\.{1,2}|\.{0,2}/[^\[]*|~[^\[]*)(?:\[(?P<extras>[\w,\s.-]+)\])?")
_EXPORTS = {
    "uv": "uv export --frozen --no-dev --no-emit-project --no-hashes -o {file}",
    "poetry": "poetry export --without-hashes -o {file}",
    "pdm": "pdm export --prod --without-hashes -o {file}",
    "pipenv": "pipenv requirements > {file}",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Requirement `files` of the project, `lines` that stand in no file, `extras` of pyproject.toml.

    `project` tells that the dependencies of pyproject.toml are meant. `remarks` are messages with hints:
    what needs a person.
    """

    files: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    project: bool = False
    code: bool = False
    torch: str = ""
    remarks: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Asked) -> Asked:
        return Asked(
            _union(self.files, other.files),
            _union(self.lines, other.lines),
            _union(self.extras, other.extras),
            self.project or other.project,
            self.code or other.code,
            other.torch or self.torch,
            _union(self.remarks, other.remarks),
        )

    @property
    def is_empty(self) -> bool:
        return self == Asked(remarks=self.remarks, torch=self.torch)

    def describe(self, file: str) -> str:
        """Say in words what it comes to; `file` is where lines of no file go."""
        parts = [*self.files]
        if self.project:
            extras = f" with extras {', '.join(self.extras)}" if self.extras else ""
            parts.append(f"the dependencies of pyproject.toml{extras}")
        parts += [f"{', '.join(self.lines)} (in {file})"] if self.lines else []
        parts += [f'torch = "{self.torch}"'] if self.torch else []
        parts += ["the project's code, among sources"] if self.code and not parts else []
        return ", ".join(parts)


def metadata(scene: Scene) -> Mapping[str, Any]:
    """Read pyproject.toml; nothing if it is not there or no TOML."""
    try:
        return tomllib.loads(scene.folder.read("pyproject.toml") or "")
    except tomllib.TOMLDecodeError:
        return {}


def read_asked(scene: Scene, stage: Stage, step: Step, found: Install) -> Asked:
    """Read one call as the scene's values have it."""
    pieces: list[Asked] = [
        _remark(f"{option} has no counterpart", _OPTION) for option in unknown_options(found)
    ]
    pieces += _indexes(scene, step, found)
    if found.manager == "conda":
        pieces += _conda(scene, stage, step, found)
    elif found.manager == "pip" or [word.text for word in found.command.words[1:2]] == ["pip"]:
        pieces += _pip(scene, stage, step, found)
    else:
        pieces.append(_managed(scene, stage, step, found))
    return reduce(lambda one, other: one + other, pieces, Asked())


def _union(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _remark(message: str, hint: str) -> Asked:
    return Asked(remarks=((message, hint),))


def _indexes(scene: Scene, step: Step, found: Install) -> Iterator[Asked]:
    variables = scene.variables(step)
    for backend in found.values("--torch-backend"):
        yield Asked(torch=expand(backend, variables))
    for url in index_urls(found):
        text = expand(url, variables)
        tag = torch_tag(text)
        yield Asked(torch=tag) if tag else _remark(f"index {redact_text(text)}", INDEX)
    for link in found.values("-f", "--find-links"):
        text = expand(link, variables)
        if "://" in text:
            yield (
                Asked(torch=torch_tag(text))
                if torch_tag(text)
                else _remark(f"find-links {redact_text(text)}", INDEX)
            )


def _pip(scene: Scene, stage: Stage, step: Step, found: Install) -> Iterator[Asked]:
    variables = scene.variables(step)
    for name in found.requirement_files:
        yield _file(scene, stage, step, expand(name, variables))
    for name in found.values("-c", "--constraint"):
        text = expand(name, variables)
        origin = scene.origin(stage, step, step.path(text))
        path = origin.path if origin and origin.path else posixpath.basename(text)
        yield Asked(lines=(f"-c {path}",))
    if found.verb.text == "sync":
        for word in found.packages:
            yield _file(scene, stage, step, expand(word.text, variables))
        return
    for text in (*(word.text for word in found.packages), *found.values("-e", "--editable")):
        yield _package(scene, stage, step, expand(text, variables), no_deps=found.has("--no-deps"))


def _file(scene: Scene, stage: Stage, step: Step, name: str) -> Asked:
    if "://" in name:
        return _remark(
            f"requirements from {redact_text(name)}",
            "download the file into the project, and name it in `requirements`",
        )
    origin = scene.origin(stage, step, posixpath.normpath(posixpath.join(step.workdir, name)))
    if origin and origin.text is not None:
        return Asked(lines=tuple(line.strip() for line in origin.text.splitlines() if line.strip()))
    if origin and origin.path and not unknown(origin.path):
        return Asked(files=(origin.path,))
    plain = posixpath.basename(name)
    if unknown(plain):
        return _remark(f"requirements from {name}", "name the file in `requirements` of the variant")
    hint = "write the file in the project, such as by the commands that made it here"
    return Asked(files=(plain,), remarks=((f"{plain} is made while the image is built", hint),))


def _package(scene: Scene, stage: Stage, step: Step, text: str, *, no_deps: bool) -> Asked:
    if _URL.fullmatch(text):
        return _remark(f"{redact_text(text)}: the lock takes packages from indexes", _PUBLISH)
    path = _PATH.fullmatch(text)
    if path:
        return _local(scene, stage, step, path["path"], path["extras"] or "", no_deps=no_deps)
    if _WHEELS.fullmatch(text):
        return Asked()
    if unknown(text) or "$" in text:
        return _remark(f"{text}: a variable without a value", "name the requirement in a requirements file")
    return Asked(lines=(text,))


def _local(scene: Scene, stage: Stage, step: Step, path: str, extras: str, *, no_deps: bool) -> Asked:
    if _WHEELS.fullmatch(path):
        return Asked()
    if not _is_project(scene, stage, step, path):
        origin = scene.origin(stage, step, step.path(path))
        where = origin.path if origin and origin.path else path
        return _remark(f"{where} is installed as a distribution", _LOCAL)
    named = tuple(name.strip() for name in extras.split(",") if name.strip())
    return Asked(extras=named, project=not no_deps, code=True)


def _is_project(scene: Scene, stage: Stage, step: Step, path: str) -> bool:
    """Tell whether a folder of a stage holds the project's own metadata."""
    names = ("pyproject.toml", "setup.py")
    found = [scene.origin(stage, step, posixpath.join(step.path(path), name)) for name in names]
    return any(origin and origin.path == name for origin, name in zip(found, names, strict=True))


def _managed(scene: Scene, stage: Stage, step: Step, found: Install) -> Asked:
    """Read what takes its requirements from the project's metadata: uv sync, Poetry, PDM, Pipenv."""
    file = "requirements-locked.txt" if scene.folder.is_file("requirements.txt") else "requirements.txt"
    export = _EXPORTS[found.manager].format(file=file)
    groups = [*found.values("--group"), *found.values("--with")]
    origin = scene.origin(stage, step, step.path("pyproject.toml"))
    elsewhere = origin is not None and origin.path not in ("pyproject.toml", "")
    if found.manager == "pipenv" or elsewhere or not _is_standard(scene, found):
        return Asked(
            files=(file,), remarks=((_unread(found, origin.path if origin and elsewhere else ""), export),)
        )
    extras = tuple(name for value in found.values("--extra", "-E", "--extras") for name in value.split())
    if found.has("--all-extras"):
        extras = (*extras, *metadata(scene).get("project", {}).get("optional-dependencies", {}))
    remarks = ((f"groups {', '.join(groups)} are not read (PEP 735)", export),) if groups else ()
    return Asked(extras=tuple(dict.fromkeys(extras)), project=True, code=True, remarks=remarks)


def _unread(found: Install, path: str) -> str:
    """Say why the dependencies cannot be read from the project's metadata."""
    if found.manager == "pipenv":
        return "Pipfile is not read"
    if path:
        return f"{path} lies in a folder of its own"
    return "there are no dependencies in [project] of pyproject.toml (PEP 621), and no other table is read"


def _is_standard(scene: Scene, found: Install) -> bool:
    """Tell whether pyproject.toml names dependencies as PEP 621 has it; of an unread file, by the manager."""
    if scene.folder.read("pyproject.toml") is None:
        return found.manager in ("uv", "pdm")
    return "dependencies" in metadata(scene).get("project", {})


def _conda(scene: Scene, stage: Stage, step: Step, found: Install) -> Iterator[Asked]:
    hint = (
        "name what PyPI has in a requirements file (names can differ), what Debian has in `runtime-packages`"
    )
    names = [word.text for word in found.packages if word.text not in ("create", "install")]
    for name in found.values("-f", "--file"):
        path = step.path(expand(name, scene.variables(step)))
        origin = scene.origin(stage, step, path)
        text = scene.folder.read(origin.path) if origin and origin.path else None
        environment = read_environment(text or "")
        if text is None:
            yield _remark(f"{posixpath.basename(path)} cannot be read", hint)
        yield Asked(lines=environment.pip)
        names += environment.conda
    if names:
        yield _remark(f"conda's packages: {', '.join(names)}", hint)


_OPTION = "the lock is made by uv, with pip's index settings: see whether the option is needed still"
_PUBLISH = (
    "publish it to an index, or put a wheel of it into a folder of pip's find-links;"
    " then name it in a requirements file"
)
_LOCAL = (
    "name its folder in `sources` and set PYTHONPATH to it, or name a wheel of it in a requirements file;"
    " its dependencies belong in one, too"
)
