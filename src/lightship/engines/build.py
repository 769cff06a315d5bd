"""From a project to images that another engine builds, by the Dockerfile that the plan is written as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightship.build.building import default_name, plan_project
from lightship.build.fetching import Fetcher
from lightship.build.images import find_source, is_layout
from lightship.build.machine import Machine
from lightship.build.named import is_built_here
from lightship.digest import Digest
from lightship.dockerfile.emit.bases import CONTEXT
from lightship.dockerfile.emit.emit import emit
from lightship.dockerfile.emit.facts import Plans
from lightship.dockerfile.emit.model import Options, Style
from lightship.dockerfile.emit.origins import Origins, image_origins
from lightship.engines.context import Workplace, fill_context, pin_layout, workplace
from lightship.engines.model import BuildRequest, Engine, EngineImage, PinnedLayout
from lightship.engines.pip import FOLDER, SECRET, PipInBuilder, pip_in_builder
from lightship.errors import UsageError
from lightship.fs.atomic import writing
from lightship.net.credentials import read_credentials
from lightship.net.local import local_path
from lightship.oci.layout import LayoutImage
from lightship.plan.model import EnvironmentLayer, FilesLayer, Plan
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.sources import SourceFile
from lightship.reference import parse_reference
from lightship.wheels.model import LockedArchive

_SIDE_FILES = "docker/"
"""Emitted files below it are what the Dockerfile copies; all others are for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build: variants of one target, for one platform.

    `name` is empty for `NAME:VARIANT[-TARGET]`; `extra` goes to the engine as it is.
    """

    variants: tuple[str, ...]
    platform: Platform
    target: str = PRODUCTION
    name: str = ""
    locked: bool = False
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """An image in an engine's store."""

    name: str
    plan: Plan
    image: EngineImage


def build_with(engine: Engine, project: Project, order: Order, machine: Machine) -> Iterator[Delivered]:
    """Build every variant from one Dockerfile and one context, and give each as it is done.

    Raises:
        UsageError: if the engine or the Dockerfile cannot do what the project asks for.
        CheckError: if a lock is missing or stale, and `order.locked`.
        StageError: if a build fails.

    """
    plans = _plans(project, order, machine)
    with _prepared(engine, project, plans, machine) as (place, layouts):
        for variant in order.variants:
            ((_, plan),) = plans[variant, order.target].items()
            name = str(parse_reference(order.name or default_name(plan)))
            engine.build(
                BuildRequest(
                    name=name,
                    dockerfile=place.dockerfile,
                    context=place.context,
                    target=order.target,
                    platform=order.platform,
                    arguments={"TORCH_VARIANT": variant},
                    secrets={SECRET: place.secret} if place.secret.exists() else {},
                    layouts=layouts,
                    extra=order.extra,
                )
            )
            yield Delivered(name, plan, engine.find(name))


def pinned_images(project: Project, plan: Plan) -> dict[str, tuple[str, Digest]]:
    """Name the images that a plan builds on or copies from, as configured, and their digests in the lock.

    Keys are what the Dockerfile calls them.
    """
    names = Origins.of(project.config).layouts
    origins = image_origins([plan])
    found = {names.get(origin.name, origin.name): (origin.name, origin.digest) for origin in origins}
    return {**found, **({CONTEXT: (plan.base.reference, plan.base.digest)} if plan.base else {})}


def _layouts(
    project: Project, plans: Iterable[Plan], place: Workplace, machine: Machine
) -> dict[str, PinnedLayout]:
    """Lay out the images of layouts; any other the engine gets by itself, from where its name says.

    Raises:
        UsageError: for a name that only an image in the local store has.

    """
    wanted = {name: image for plan in plans for name, image in pinned_images(project, plan).items()}
    made: dict[str, PinnedLayout] = {}
    for name, (reference, digest) in wanted.items():
        if is_layout(reference):
            image = find_source(reference, project.folder, machine).pinned(digest)
            if isinstance(image, LayoutImage):
                made[name] = pin_layout(place.layouts / str(len(made)), image)
        elif is_built_here(parse_reference(reference), machine.home.images):
            raise UsageError(
                f"the image {reference} is in Lightship's own store alone, where no other engine finds it",
                where=str(project.folder),
                hint="push it to a registry, or hand it over with `-o oci:DIR`, and name that",
            )
    return made


def _plans(project: Project, order: Order, machine: Machine) -> Plans:
    return {
        (variant, target): {
            order.platform: plan_project(
                project, variant, order.platform, machine, locked=order.locked, target=target
            )
        }
        for variant in order.variants
        for target in dict.fromkeys((PRODUCTION, order.target))
    }


@contextmanager
def _prepared(
    engine: Engine, project: Project, plans: Plans, machine: Machine
) -> Iterator[tuple[Workplace, Mapping[str, PinnedLayout]]]:
    """Write Dockerfile, context and secret, and lay out images, for as long as the block runs."""
    every = [plan for platforms in plans.values() for plan in platforms.values()]
    # Without the variants' names: they would stand in every file, and so in the engine's cache keys.
    texts = emit(project, plans, Options(style=_style(every[0]), portable=engine.portable))
    pip = _pip(project, every, machine)
    with workplace(project.folder, machine.home.cache / "contexts") as place:
        place.dockerfile.write_text(pip.lend(texts["Dockerfile"]), encoding="utf-8")
        if pip.text:
            with writing(place.secret, mode=0o600) as stream:
                stream.write(pip.text.encode())
        sides = {path: text for path, text in texts.items() if path.startswith(_SIDE_FILES)}
        lent = {f"{FOLDER}/{name}": path for name, path in pip.files.items()}
        fill_context(place.context, project.folder, _files(every), sides, lent)
        yield place, _layouts(project, every, place, machine)


def _style(plan: Plan) -> Style:
    """Choose a virtual environment where the base's Python leaves its packages to the system."""
    pythons = [layer.interpreter for layer in plan.layers if isinstance(layer, EnvironmentLayer)]
    own = plan.base is None or all(path.startswith("/usr/local/") for path in pythons)
    return "wheels" if own else "venv"


def _files(plans: Iterable[Plan]) -> Iterable[SourceFile]:
    found: dict[str, SourceFile] = {}
    for plan in plans:
        layers = (layer.files for layer in plan.layers if isinstance(layer, FilesLayer))
        for files in (*layers, *(stage.inputs for stage in plan.stages)):
            found |= {file.path: file for file in files}
    return found.values()


def _pip(project: Project, plans: Iterable[Plan], machine: Machine) -> PipInBuilder:
    local = [archive for archive in _archives(plans) if local_path(archive.url)]
    paths: Mapping[str, Path] = Fetcher(project, machine)(local, ())
    if machine.pip.client_cert:
        machine.reporter.warn("pip's client-cert stays on this machine: the builder goes without it")
    credentials = read_credentials(machine.pip, environ=machine.environ, home=machine.user)
    named = {archive.filename: paths[archive.sha256] for archive in local}
    return pip_in_builder(machine.pip, named, credentials)


def _archives(plans: Iterable[Plan]) -> set[LockedArchive]:
    found: set[LockedArchive] = set()
    for plan in plans:
        own = plan.additions
        found |= {*plan.wheels, *(own.wheels if own else ())}
        found |= {wheel for stage in plan.stages for wheel in stage.wheels}
        found |= {build.sdist for build in (*plan.builds, *(own.builds if own else ()))}
    return found
