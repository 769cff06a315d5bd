"""What of the project comes into the image, and where: `COPY` and `ADD`, also through other stages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.migrate.roles import is_environment, source_stage, taken
from lightship.dockerfile.migrate.scene import Role, Scene
from lightship.dockerfile.rules.secrets import is_secret_file
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Stage, Step

_MANIFEST = re.compile(
    r"(?:.*[-_.])?requirements.*\.(?:txt|in|lock)|requirements|(?:.*[-_.])?constraints.*\.(?:txt|in)|pyproject\.toml"
    r"|setup\.(?:py|cfg)|MANIFEST\.in|(?:poetry|uv|pdm)\.(?:lock|toml)|pylock.*\.toml|start\..*\.json|Pipfile(?:\.lock)?"
    r"|(?:.*[-_.])?environment.*\.ya?ml|README.*|LICEN[CS]E.*|CHANGELOG.*|\.python-version|pip\.conf",
    re.IGNORECASE,
)
"""What says which packages are installed; a service does not read it."""
_NOT_SHIPPED = re.compile(
    r"\..*|(?:.*\.)?(?:Dockerfile|Containerfile)(?:\..*)?|(?:docker-)?compose.*\.ya?ml|docker-bake\..*|Makefile|Jenkinsfile"
    r"|justfile|tests?|docs?|examples?|notebooks|benchmarks|\.github|lightship\.toml|tox\.ini|noxfile\.py|conftest\.py"
    r"|pytest\.ini|mypy\.ini|ruff\.toml|setup\.(?:py|cfg)|mkdocs\.ya?ml|CONTRIBUTING.*|SECURITY.*|CODE_OF_CONDUCT.*|docker",
    re.IGNORECASE,
)
"""What is beside a service in its project, and no part of it."""


@dataclass(frozen=True)
class Copied:
    """One path of the project, `""` for all of it, and its place in the image; of a folder, what is in it."""

    step: Step
    span: Span
    source: str
    place: str
    folder: bool

    @property
    def name(self) -> str:
        return posixpath.basename(self.source)

    def fits(self, workdir: str) -> bool:
        """Tell whether `sources` puts it there."""
        wanted = posixpath.normpath(posixpath.join(workdir, self.source)) if self.source else workdir
        return self.place == wanted

    @property
    def fitting(self) -> str:
        """Give the working directory from which it would be there; "" if none."""
        if not self.source:
            return self.place
        above = self.place.removesuffix(f"/{self.source}")
        return (above or "/") if above != self.place else ""


def is_manifest(name: str) -> bool:
    return _MANIFEST.fullmatch(name) is not None


def copied(scene: Scene, stage: Stage) -> Iterator[Copied]:
    """Yield what the steps of a stage copy of the project, but for what cannot be told."""
    for step in stage.steps:
        if step.keyword not in ("COPY", "ADD"):
            continue
        if step.from_context:
            yield from _direct(scene, step)
        else:
            yield from _through(scene, step)


def _direct(scene: Scene, step: Step) -> Iterator[Copied]:
    for word in step.sources:
        source = expand(word.text, scene.variables(step))
        if unknown(source) or "://" in source:
            continue
        path = posixpath.normpath(source.lstrip("/") or ".")
        place = scene.place(step, word)
        span = word.span if len(step.sources) > 1 else step.instruction.span
        if "*" in path or "?" in path:
            yield from _matching(scene, step, span, path)
        else:
            yield Copied(step, span, "" if path == "." else path, place, scene.is_folder(source))


def _matching(scene: Scene, step: Step, span: Span, pattern: str) -> Iterator[Copied]:
    """Yield the files that a pattern stands for; `*` alone is everything."""
    if pattern == "*":
        yield Copied(step, span, "", step.destination, folder=True)
        return
    folder, base = posixpath.split(pattern)
    for name in scene.folder.names(folder or "."):
        if fnmatchcase(name, base):
            path = posixpath.join(folder, name)
            yield Copied(
                step, span, path, posixpath.join(step.destination, name), scene.folder.is_folder(path)
            )


def _through(scene: Scene, step: Step) -> Iterator[Copied]:
    """Yield what a `COPY --from` takes that another stage had only copied from the project."""
    other = source_stage(scene.build, step)
    if other is None or scene.role(other) is Role.MAKER:
        return
    for path, word in zip(taken(step), step.sources, strict=True):
        place = scene.place(step, word)
        inner = [one for stage in other.chain for one in copied(scene, stage)]
        for one in inner:
            if is_environment(scene, other, path) or is_manifest(one.name):
                continue
            if one.place == path or one.place.startswith(f"{path}/"):
                lies = posixpath.normpath(place + one.place.removeprefix(path.rstrip("/")))
                yield Copied(step, step.instruction.span, one.source, lies, one.folder)
            elif one.folder and path.startswith(f"{one.place.rstrip('/')}/"):
                rest = path.removeprefix(f"{one.place.rstrip('/')}/")
                source = posixpath.join(one.source, rest)
                yield Copied(step, step.instruction.span, source, place, scene.is_folder(source))


def top_level(scene: Scene) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what lies in the project: what belongs to the service, and what does not."""
    names = scene.folder.names(".")
    inside = [name for name in names if _is_source(name)]
    outside = tuple(name for name in names if name not in inside)
    return tuple(f"{name}/" if scene.folder.is_folder(name) else name for name in inside), outside


def _is_source(name: str) -> bool:
    return not (_NOT_SHIPPED.fullmatch(name) or is_manifest(name) or is_secret_file(name))
