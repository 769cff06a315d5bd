"""From a configuration, a lock's choice for a platform and a file listing to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.oci.model import Execution, Healthcheck
from lightship.plan.layering import layer_wheels
from lightship.plan.model import BaseLayer, EnvironmentLayer, FilesLayer, LayerPlan, Plan, WheelsLayer
from lightship.plan.trimming import Trimming, choose_rules
from lightship.platform import Platform
from lightship.project.config import Config, size_in_bytes
from lightship.project.sources import SourceFile
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedLibrary, LockedStage, LockedWheel, SourceBuild

PREFIX = "opt/venv"
PRODUCTION = "production"
_SECOND = 1_000_000_000


class Selection(msgspec.Struct, frozen=True):
    """What a lock holds for one platform; `python` as `3.11`, `lock` the digest of the lock file.

    `builds` are the distributions that have no wheel, `builder` the packages of the root they are built in,
    and in which `stages` run.
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


@dataclass(frozen=True, slots=True)
class Files:
    """Files of the project that the image takes."""

    application: tuple[SourceFile, ...]
    models: tuple[SourceFile, ...] = ()


def make_plan(
    config: Config, variant: str, platform: Platform, selection: Selection, files: Files, version: str = ""
) -> Plan:
    """Lay an image out; `version` is the project's own, for a label."""
    environment = Environment(PREFIX, selection.python)
    return Plan(
        name=config.name,
        variant=variant,
        target=PRODUCTION,
        architecture=platform.architecture,
        layers=tuple(_layers(config, platform, selection, files)),
        execution=_execution(config, environment, _labels(config, variant, selection, version)),
        lock=selection.lock,
        libraries=selection.libraries,
        budget=size_in_bytes(config.budget) if config.budget else None,
        builds=selection.builds,
        builder=selection.builder,
        notes=tuple(_notes(config, selection)),
    )


def with_built(plan: Plan, wheels: Iterable[LockedWheel], trim: str) -> Plan:
    """Give the plan as it is once its builds are done: their wheels have layers like any other.

    `trim` is the configured level of trimming.
    """
    (environment,) = (layer for layer in plan.layers if isinstance(layer, EnvironmentLayer))
    at = plan.layers.index(environment) + 1
    above = [layer for layer in plan.layers[at:] if not isinstance(layer, WheelsLayer)]
    every = (*plan.wheels, *wheels)
    trimming = choose_rules(trim, _present(plan.debs, every, ()))
    made = _wheel_layers(environment.python, every, trimming)
    return msgspec.structs.replace(plan, layers=(*plan.layers[:at], *made, *above), builds=(), builder=())


def _present(
    debs: Iterable[LockedDeb], wheels: Iterable[LockedWheel], builds: Iterable[SourceBuild]
) -> set[str]:
    """Names that decide which rules of trimming hold; what is still to be built counts as there."""
    names = {deb.name for deb in debs} | {wheel.name for wheel in wheels}
    return names | {build.sdist.name for build in builds}


def _wheel_layers(python: str, wheels: Iterable[LockedWheel], trimming: Trimming) -> list[WheelsLayer]:
    groups = layer_wheels(wheels)
    return [WheelsLayer(PREFIX, python, group, trimming.for_wheels(group)) for group in groups]


def _layers(config: Config, platform: Platform, selection: Selection, files: Files) -> list[LayerPlan]:
    user, uid, gid = config.user.split(":")
    present = _present(selection.debs, selection.wheels, selection.builds)
    trimming = choose_rules(config.trim, present)
    layers: list[LayerPlan] = [
        BaseLayer(selection.suite, platform.debian, selection.debs, trimming.base),
        EnvironmentLayer(PREFIX, selection.python, user, int(uid), int(gid), config.workdir),
    ]
    layers += _wheel_layers(selection.python, selection.wheels, trimming)
    if files.models:
        layers.append(FilesLayer("models", config.workdir, files.models))
    layers.append(FilesLayer("application", config.workdir, files.application))
    return layers


def _execution(config: Config, environment: Environment, labels: dict[str, str]) -> Execution:
    _, uid, gid = config.user.split(":")
    variables = {
        "PATH": f"/{environment.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **config.env,
    }
    return Execution(
        user=f"{uid}:{gid}",  # by number, so that Kubernetes can check runAsNonRoot
        exposed_ports={f"{port}/tcp": {} for port in sorted(config.ports)},
        env=tuple(f"{name}={value}" for name, value in variables.items()),
        cmd=config.command,
        working_dir=config.workdir,
        labels=labels,
        stop_signal="SIGTERM",
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
        "org.opencontainers.image.title": config.name,
        "org.opencontainers.image.base.name": f"debian:{selection.suite}",
        "io.lightship.variant": variant,
        "io.lightship.lock": selection.lock,
    }
    if version:
        labels["org.opencontainers.image.version"] = version
    return {**labels, **config.labels}


def _notes(config: Config, selection: Selection) -> Iterator[str]:
    for build in selection.builds:
        yield f"{build.sdist.name} {build.sdist.version} has no wheel: it is built from source"
    if config.build_packages and not selection.builder:
        names = ", ".join(config.build_packages)
        yield f"every distribution has a wheel: build-packages are not needed ({names})"
