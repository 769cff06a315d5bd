"""From a configuration, a lock's choice for a platform and a file listing to a plan."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.oci.model import Execution, Healthcheck
from lightship.plan.layering import layer_wheels
from lightship.plan.model import BaseLayer, EnvironmentLayer, FilesLayer, LayerPlan, Plan, WheelsLayer
from lightship.plan.trimming import choose_rules
from lightship.platform import Platform
from lightship.project.config import Config, size_in_bytes
from lightship.project.sources import SourceFile
from lightship.wheels.environment import Environment
from lightship.wheels.model import LockedLibrary, LockedWheel

PREFIX = "opt/venv"
PRODUCTION = "production"
_SECOND = 1_000_000_000


class Selection(msgspec.Struct, frozen=True):
    """What a lock holds for one platform; `python` as `3.11`, `lock` the digest of the lock file."""

    lock: Digest
    suite: str
    python: str
    debs: tuple[LockedDeb, ...]
    wheels: tuple[LockedWheel, ...]
    libraries: tuple[LockedLibrary, ...] = ()


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
        notes=tuple(_notes(config)),
    )


def _layers(config: Config, platform: Platform, selection: Selection, files: Files) -> list[LayerPlan]:
    user, uid, gid = config.user.split(":")
    present = {deb.name for deb in selection.debs} | {wheel.name for wheel in selection.wheels}
    trimming = choose_rules(config.trim, present)
    layers: list[LayerPlan] = [
        BaseLayer(selection.suite, platform.debian, selection.debs, trimming.base),
        EnvironmentLayer(PREFIX, selection.python, user, int(uid), int(gid), config.workdir),
    ]
    groups = layer_wheels(selection.wheels)
    layers += [
        WheelsLayer(PREFIX, selection.python, wheels, trimming.for_wheels(wheels)) for wheels in groups
    ]
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


def _notes(config: Config) -> list[str]:
    if not config.build_packages:
        return []
    names = ", ".join(config.build_packages)
    return [f"every distribution has a wheel: build-packages are not needed ({names})"]
