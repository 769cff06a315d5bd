"""From a configuration, a lock's choice for a platform and a file listing to a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.oci.model import Execution, Healthcheck
from lightship.plan.base import BaseImage
from lightship.plan.basecheck import check_count, check_places
from lightship.plan.bytecode import NONE, Bytecode, compiler_version
from lightship.plan.cuda import cuda_notes, driver_variables
from lightship.plan.layering import layer_wheels
from lightship.plan.model import (
    Additions,
    BaseLayer,
    BytecodeLayer,
    EnvironmentLayer,
    FilesLayer,
    LayerPlan,
    Plan,
    ToolsLayer,
    WheelsLayer,
)
from lightship.plan.onimage import environment_on, labels_of, layers_on, summary
from lightship.plan.targets import for_target, own_wheel_layers, untraced
from lightship.plan.trimming import Trimming, choose_rules
from lightship.platform import Platform
from lightship.project.config import PRODUCTION, Config, size_in_bytes
from lightship.project.sources import SourceFile
from lightship.project.start import Start
from lightship.project.targets import Target
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedLibrary, LockedStage, LockedWheel, SourceBuild

PREFIX = "opt/venv"
_SECOND = 1_000_000_000
_SEARCH = "/usr/local/bin:/usr/bin:/bin"


class Selection(msgspec.Struct, frozen=True):
    """What a lock holds for one platform; `python` as `3.11`, `lock` the digest of what concerns the target.

    `builds` are the distributions that have no wheel, `builder` the packages of the root they are built in,
    and in which `stages` run; `others` has the packages of the lock's other platforms, by architecture: their
    Python may run where the target's does not. On an image, `base`, the packages of the suite are those that
    join it. `additions` are what a target other than production has on top.
    """

    lock: Digest
    suite: str
    python: str
    debs: tuple[LockedDeb, ...]
    wheels: tuple[LockedWheel, ...]
    libraries: tuple[LockedLibrary, ...] = ()
    builds: tuple[SourceBuild, ...] = ()
    builder: tuple[LockedDeb, ...] = ()
    stages: dict[str, LockedStage] = {}
    others: dict[str, tuple[LockedDeb, ...]] = {}
    base: BaseImage | None = None
    additions: Additions | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Files of the project that the image takes."""

    application: tuple[SourceFile, ...]
    models: tuple[SourceFile, ...] = ()


def make_plan(
    config: Config,
    variant: str,
    platform: Platform,
    selection: Selection,
    files: Files,
    version: str = "",
    *,
    start: Start | None = None,
    target: Target | None = None,
) -> Plan:
    """Lay an image out; `version` is the project's own, for a label, `start` what was recorded of one.

    A `target` has production's layers, its own over them, and the application's on top.
    """
    environment = Environment(PREFIX, selection.python)
    config = config if target is None else for_target(config, target)
    own = selection.additions
    return Plan(
        name=config.name,
        variant=variant,
        target=target.name if target else PRODUCTION,
        architecture=platform.architecture,
        layers=tuple(_layers(config, platform, selection, files, start)),
        execution=_execution(config, environment, selection, _labels(config, variant, selection, version)),
        lock=selection.lock,
        libraries=(*selection.libraries, *(own.libraries if own else ())),
        budget=size_in_bytes(config.budget) if config.budget else None,
        builds=selection.builds,
        builder=selection.builder,
        compilers=tuple(_compilers(config, platform, selection)),
        notes=tuple(_notes(config, selection)),
        base=summary(selection.base) if selection.base else None,
        additions=own,
        start=start,
    )


def with_built(plan: Plan, wheels: Iterable[LockedWheel], config: Config, start: Start | None) -> Plan:
    """Give the plan as it is once its builds are done: their wheels have layers like any other."""
    (environment,) = (layer for layer in plan.layers if isinstance(layer, EnvironmentLayer))
    at = plan.layers.index(environment) + 1
    own, there = plan.additions or Additions(PRODUCTION), plan.base.packages if plan.base else ()
    config = untraced(config) if plan.additions else config

    def trimming(debs: Iterable[LockedDeb], wheels: Iterable[LockedWheel]) -> Trimming:
        return choose_rules(config, _present(debs, wheels, ()).union(there), start, plan.architecture)

    every = (*plan.wheels, *wheels)
    names = {wheel.name for wheel in own.wheels} | {build.sdist.name for build in own.builds}
    below = [wheel for wheel in every if wheel.name not in names]
    over = [wheel for wheel in every if wheel.name in names]
    debs = [deb for deb in plan.debs if deb not in own.debs]
    bytecode = _bytecode(config, environment.python, debs, start)
    made = _package_layers(plan.layers[:at], environment.python, below, trimming(debs, below), bytecode)
    above = [layer for layer in plan.layers[at:] if not _is_of_packages(layer)]
    last = max(number for number, layer in enumerate(above) if isinstance(layer, FilesLayer))
    above[last:last] = own_wheel_layers(PREFIX, environment.python, over, trimming(plan.debs, every))
    return msgspec.structs.replace(
        plan,
        layers=(*plan.layers[:at], *made, *above),
        builds=(),
        builder=plan.builder if plan.stages else (),
        additions=plan.additions and msgspec.structs.replace(own, builds=(), builder=()),
    )


def _is_of_packages(layer: LayerPlan) -> bool:
    sources = layer.of if isinstance(layer, BytecodeLayer) else layer
    return isinstance(sources, BaseLayer | WheelsLayer)


def _present(
    debs: Iterable[LockedDeb], wheels: Iterable[LockedWheel], builds: Iterable[SourceBuild]
) -> set[str]:
    """Names that decide which rules of trimming hold; what is still to be built counts as there."""
    names = {deb.name for deb in debs} | {wheel.name for wheel in wheels}
    return names | {build.sdist.name for build in builds}


def _package_layers(
    below: Iterable[LayerPlan],
    python: str,
    wheels: Iterable[LockedWheel],
    trimming: Trimming,
    bytecode: Bytecode,
) -> list[LayerPlan]:
    """Lay out the wheels, and the bytecode of all that packages bring, those of the layers below included."""
    layers = [trimming.layer(PREFIX, python, group) for group in layer_wheels(wheels)]
    library = [made for base in below if isinstance(base, BaseLayer) for made in bytecode.of_base(base)]
    return [*layers, *library, *bytecode.of_wheels(layers)]


def _bytecode(config: Config, python: str, debs: Iterable[LockedDeb], start: Start | None) -> Bytecode:
    return Bytecode(config.bytecode, start, python, compiler_version(debs, python))


def _compilers(config: Config, platform: Platform, selection: Selection) -> Iterator[BaseLayer]:
    """Yield the bases, of any platform of the lock, whose Python compiles as the target's own does."""
    version = compiler_version(selection.debs, selection.python)
    every = {platform.architecture: selection.debs, **selection.others}
    for architecture, debs in every.items():
        if config.bytecode != NONE and version and compiler_version(debs, selection.python) == version:
            yield BaseLayer(selection.suite, architecture, debs)


def _layers(
    config: Config, platform: Platform, selection: Selection, files: Files, start: Start | None
) -> list[LayerPlan]:
    user, uid, gid = config.user.split(":")
    base = selection.base
    present = _present(selection.debs, selection.wheels, selection.builds)
    present = present.union(summary(base).packages if base else ())
    trimming = choose_rules(config, present, start, platform.architecture)
    bytecode = _bytecode(config, selection.python, selection.debs, start)
    environment = EnvironmentLayer(PREFIX, selection.python, user, int(uid), int(gid), config.workdir)
    layers: list[LayerPlan] = []
    if base:
        places = (config.workdir.strip("/"), PREFIX, "etc")
        check_places(base.facts, places, prefix=PREFIX, where=base.reference)
        layers += layers_on(base, selection.suite, selection.debs, trimming.base)
        layers.append(environment_on(base, environment))
    else:
        layers.append(BaseLayer(selection.suite, platform.debian, selection.debs, trimming.base))
        layers.append(environment)
    layers += _package_layers(layers, selection.python, selection.wheels, trimming, bytecode)
    if files.models:
        layers.append(FilesLayer("models", config.workdir, files.models))
    if selection.additions:
        layers += _own_layers(config, platform, selection, selection.additions, present)
    application = FilesLayer("application", config.workdir, files.application)
    layers += [application, *bytecode.of_files(application)]
    if base:
        check_count(len(layers), where=base.reference)
    return layers


def _own_layers(
    config: Config, platform: Platform, selection: Selection, own: Additions, below: Collection[str]
) -> Iterator[LayerPlan]:
    """Give a target's own layers; which files are trimmed below them is production's to say."""
    present = _present(own.debs, own.wheels, own.builds).union(below)
    trimming = choose_rules(config, present, None, platform.architecture)
    if own.debs:
        trim_below = choose_rules(config, below, None, platform.architecture).base
        cached = selection.base.facts.cached if selection.base else None
        yield ToolsLayer(platform.debian, own.debs, trimming.base, selection.debs, trim_below, cached)
    yield from own_wheel_layers(PREFIX, selection.python, own.wheels, trimming)


def _execution(
    config: Config, environment: Environment, selection: Selection, labels: dict[str, str]
) -> Execution:
    _, uid, gid = config.user.split(":")
    inherited = selection.base.execution.environment if selection.base else {}
    search = f"/{environment.prefix}/bin:{inherited.get('PATH') or _SEARCH}"
    defaults = {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    own = selection.additions.wheels if selection.additions else ()
    driver = driver_variables((*selection.wheels, *own))
    variables = {"PATH": search, **defaults, **driver, **inherited} | {"PATH": search} | config.env
    return Execution(
        user=f"{uid}:{gid}",  # by number, so that Kubernetes can check runAsNonRoot
        exposed_ports={f"{port}/tcp": {} for port in sorted(config.ports)},
        env=tuple(f"{name}={value}" for name, value in variables.items()),
        cmd=config.command,
        working_dir=config.workdir,
        labels=labels,
        stop_signal=config.stop_signal or "SIGTERM",
        healthcheck=_healthcheck(config.health, environment) if config.health else None,
    )


def _healthcheck(health: str, environment: Environment) -> Healthcheck:
    """Ask the health URL with the image's own Python: there is no shell and no curl in it."""
    url = urlsplit(health)
    target = f"http://{url.hostname or '127.0.0.1'}:{url.port}{url.path}" + (
        f"?{url.query}" if url.query else ""
    )
    program = f"import urllib.request as r; r.urlopen({target!r}, timeout=4)"
    return Healthcheck(
        test=("CMD", environment.interpreter, "-ISc", program),
        interval=30 * _SECOND,
        timeout=5 * _SECOND,
        start_period=60 * _SECOND,
        retries=3,
    )


def _labels(config: Config, variant: str, selection: Selection, version: str) -> dict[str, str]:
    labels = {
        **(labels_of(selection.base) if selection.base else {}),
        "org.opencontainers.image.title": config.name,
        **({} if selection.base else {"org.opencontainers.image.base.name": f"debian:{selection.suite}"}),
        "io.lightship.variant": variant,
        "io.lightship.lock": selection.lock,
    }
    if version:
        labels["org.opencontainers.image.version"] = version
    return {**labels, **config.labels}


def _notes(config: Config, selection: Selection) -> Iterator[str]:
    own = selection.additions or Additions(PRODUCTION)
    for build in (*selection.builds, *own.builds):
        yield f"{build.sdist.name} {build.sdist.version} has no wheel: it is built from source"
    if config.build_packages and not (selection.builder or own.builder):
        names = ", ".join(config.build_packages)
        yield f"every distribution has a wheel: build-packages are not needed ({names})"
    if selection.base:
        if config.bytecode != NONE:
            yield "no bytecode: so far only Debian's packages of Python compile, and the base is an image"
        yield from cuda_notes((*selection.wheels, *own.wheels), selection.base.facts, selection.python)
