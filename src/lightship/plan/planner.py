"""From a configuration, a lock's choice for a platform and a file listing to a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.oci.model import Execution, Healthcheck
from lightship.plan.layering import BUCKETS_OF_TARGET, MOST_ALONE_OF_TARGET, layer_wheels
from lightship.plan.model import (
    Additions,
    BaseLayer,
    EnvironmentLayer,
    FilesLayer,
    LayerPlan,
    Plan,
    ToolsLayer,
    WheelsLayer,
)
from lightship.plan.trimming import Trimming, choose_rules
from lightship.platform import Platform
from lightship.project.config import OWN_LABELS, PRODUCTION, Config, size_in_bytes
from lightship.project.sources import SourceFile
from lightship.project.targets import Target
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedLibrary, LockedWheel, SourceBuild

PREFIX = "opt/venv"
HOME = "/tmp"  # noqa: S108 - of the container: where tools may write
TARGET_LABEL = f"{OWN_LABELS}target"
"""On images of targets other than production."""
_SECOND = 1_000_000_000


class Selection(msgspec.Struct, frozen=True):
    """What a lock holds for one platform; `python` as `3.11`, `lock` the digest of what concerns the target.

    `builds` are the distributions that have no wheel, `builder` the packages of the root they are built in.
    `additions` are what a target other than production has on top.
    """

    lock: Digest
    suite: str
    python: str
    debs: tuple[LockedDeb, ...]
    wheels: tuple[LockedWheel, ...]
    libraries: tuple[LockedLibrary, ...] = ()
    builds: tuple[SourceBuild, ...] = ()
    builder: tuple[LockedDeb, ...] = ()
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
    target: Target | None = None,
) -> Plan:
    """Lay an image out; `version` is the project's own, for a label.

    A `target` has production's layers, its own over them, and the application's on top.
    """
    environment = Environment(PREFIX, selection.python)
    config = config if target is None else _for_target(config, target)
    additions = selection.additions
    return Plan(
        name=config.name,
        variant=variant,
        target=target.name if target else PRODUCTION,
        architecture=platform.architecture,
        layers=tuple(_layers(config, platform, selection, files)),
        execution=_execution(config, environment, _labels(config, variant, selection, version)),
        lock=selection.lock,
        libraries=(*selection.libraries, *(additions.libraries if additions else ())),
        budget=size_in_bytes(config.budget) if config.budget else None,
        builds=selection.builds,
        builder=selection.builder,
        notes=tuple(_notes(config, selection)),
        additions=additions,
    )


def _for_target(config: Config, target: Target) -> Config:
    """Give the configuration as it is for a target; the budget is production's."""
    labels = {**config.labels, TARGET_LABEL: target.name}
    env = {"HOME": HOME, **config.env, **target.env}
    return msgspec.structs.replace(config, command=target.command, env=env, budget="", labels=labels)


def with_built(plan: Plan, wheels: Iterable[LockedWheel], trim: str) -> Plan:
    """Give the plan as it is once its builds are done: their wheels have layers like any other.

    `trim` is the configured level of trimming.
    """
    (environment,) = (layer for layer in plan.layers if isinstance(layer, EnvironmentLayer))
    at = plan.layers.index(environment) + 1
    *above, application = (layer for layer in plan.layers[at:] if not isinstance(layer, WheelsLayer))
    every, additions = (*plan.wheels, *wheels), plan.additions or Additions(PRODUCTION)
    own = {wheel.name for wheel in additions.wheels} | {build.sdist.name for build in additions.builds}
    below = [wheel for wheel in every if wheel.name not in own]
    debs = [deb for deb in plan.debs if deb not in additions.debs]
    made = _wheel_layers(environment.python, below, choose_rules(trim, _present(debs, below, ())))
    trimming = choose_rules(trim, _present(plan.debs, every, ()))
    over = _own_wheel_layers(environment.python, [wheel for wheel in every if wheel.name in own], trimming)
    return msgspec.structs.replace(
        plan,
        layers=(*plan.layers[:at], *made, *above, *over, application),
        builds=(),
        builder=(),
        additions=plan.additions and msgspec.structs.replace(additions, builds=(), builder=()),
    )


def _present(
    debs: Iterable[LockedDeb], wheels: Iterable[LockedWheel], builds: Iterable[SourceBuild]
) -> set[str]:
    """Names that decide which rules of trimming hold; what is still to be built counts as there."""
    names = {deb.name for deb in debs} | {wheel.name for wheel in wheels}
    return names | {build.sdist.name for build in builds}


def _wheel_layers(python: str, wheels: Iterable[LockedWheel], trimming: Trimming) -> list[WheelsLayer]:
    return _grouped(python, layer_wheels(wheels), trimming)


def _own_wheel_layers(python: str, wheels: Iterable[LockedWheel], trimming: Trimming) -> list[WheelsLayer]:
    """Give the layers of what only a target has: few, so that all together can be mounted."""
    return _grouped(python, layer_wheels(wheels, MOST_ALONE_OF_TARGET, BUCKETS_OF_TARGET), trimming)


def _grouped(python: str, groups: Iterable[tuple[LockedWheel, ...]], trimming: Trimming) -> list[WheelsLayer]:
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
    if selection.additions:
        layers += _own_layers(config, platform, selection, selection.additions, present)
    layers.append(FilesLayer("application", config.workdir, files.application))
    return layers


def _own_layers(
    config: Config, platform: Platform, selection: Selection, own: Additions, below: Collection[str]
) -> Iterator[LayerPlan]:
    """Give a target's own layers; which files are trimmed below them is production's to say."""
    trimming = choose_rules(config.trim, {*below, *_present(own.debs, own.wheels, own.builds)})
    if own.debs:
        trim_below = choose_rules(config.trim, below).base
        yield ToolsLayer(platform.debian, own.debs, trimming.base, selection.debs, trim_below)
    yield from _own_wheel_layers(selection.python, own.wheels, trimming)


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
    builds = (*selection.builds, *(selection.additions.builds if selection.additions else ()))
    for build in builds:
        yield f"{build.sdist.name} {build.sdist.version} has no wheel: it is built from source"
    if config.build_packages and not builds:
        names = ", ".join(config.build_packages)
        yield f"every distribution has a wheel: build-packages are not needed ({names})"
