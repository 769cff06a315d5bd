"""From a configuration and its plans to what the files say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from lightship.dockerfile.emit.bases import base_images, slim_has
from lightship.dockerfile.emit.model import Group, Options, Service, Stage, Target, Variant
from lightship.dockerfile.emit.origins import Origins, context_copies, output_copies, stage_copies
from lightship.dockerfile.emit.requirements import Locked, requirements_text
from lightship.plan.model import Additions, FilesLayer, PackagesLayer, Plan
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.targets import Target as ProjectTarget
from lightship.project.targets import find_target
from lightship.wheels.model import SourceBuild

Plans: TypeAlias = Mapping[tuple[str, str], Mapping[Platform, Plan]]
"""Plans by variant and target, for each platform; `production` is always among the targets."""
HEAVY = 10_000_000
"""Size in bytes of an archive from which a wheel counts as heavy: such ones change rarely, and cost most."""
BACKENDS = {
    "postgres": frozenset({"asyncpg", "pg8000", "psycopg", "psycopg-binary", "psycopg2", "psycopg2-binary"}),
    "redis": frozenset({"aioredis", "coredis", "redis", "valkey"}),
}
"""Distributions that speak to a service which Compose can start beside the application."""
_OWN = "io.lightship."


def service_of(project: Project, plans: Plans, options: Options) -> Service:
    """Gather what the files say, from plans of every variant and target that they are about.

    Raises:
        UsageError: if the base is an image that pip cannot install into in this style.

    """
    config = project.config
    names = tuple(dict.fromkeys(variant for variant, _ in plans))
    targets = tuple(dict.fromkeys(target for _, target in plans if target != PRODUCTION))
    by_variant = {name: plans[name, PRODUCTION] for name in names}
    every = [plan for platforms in plans.values() for plan in platforms.values()]
    shown = next(iter(by_variant[names[0]].values()))
    origins = Origins.of(config)
    stages = tuple(_stages(project, every, origins, options.header))
    base, builder = base_images(config, shown, options.style, compiles=bool(stages) or _compiles(every))
    common = _common(_variables(plan) for plan in by_variant.values())
    packages = {name: _packages(project, platforms) for name, platforms in by_variant.items()}
    shared = _shared(packages.values())
    user, uid, gid = config.user.split(":")
    return Service(
        name=config.name,
        version=project.version,
        python=config.python,
        base=base,
        builder=builder,
        contexts=origins.contexts(shown),
        build_packages=config.build_packages if base != builder else (),
        packages=shared,
        variant=config.variant if config.variant in names else names[0],
        variants=tuple(
            Variant(
                name,
                tuple(package for package in packages[name] if package not in shared),
                {key: value for key, value in _variables(platforms).items() if key not in common},
                output_copies(config, name, origins),
                "NVIDIA_VISIBLE_DEVICES" in _variables(platforms),
            )
            for name, platforms in by_variant.items()
        ),
        groups=_groups({name: _archives(platforms) for name, platforms in by_variant.items()}, options.header),
        stages=stages,
        targets=tuple(_target(find_target(project, name), plans, names, options.header) for name in targets),
        platforms=tuple(map(str, by_variant[names[0]])),
        copies=context_copies((*config.models, *config.sources), _files(shown), config.workdir),
        env=common,
        labels=_labels(shown),
        workdir=config.workdir,
        user=user,
        uid=int(uid),
        gid=int(gid),
        ports=config.ports,
        command=shown.execution.cmd,
        health=shown.execution.healthcheck,
        stop_signal=shown.execution.stop_signal,
        backends=_backends(every),
    )


def _files(plan: Plan) -> set[str]:
    return {file.path for layer in plan.layers if isinstance(layer, FilesLayer) for file in layer.files}


def _compiles(plans: Iterable[Plan]) -> bool:
    return any(plan.builds or (plan.additions and plan.additions.builds) for plan in plans)


def _variables(plans: Mapping[Platform, Plan]) -> dict[str, str]:
    """Give an image's variables; `PATH` and what the base has set are left to the base."""
    plan = next(iter(plans.values()))
    pairs = dict(entry.split("=", 1) for entry in plan.execution.env)
    return {name: value for name, value in pairs.items() if name not in {"PATH", "LANG"}}


def _common(variables: Iterable[dict[str, str]]) -> dict[str, str]:
    first, *others = variables
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _shared(packages: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    first, *others = packages
    return tuple(name for name in first if all(name in other for other in others))


def _packages(project: Project, plans: Mapping[Platform, Plan]) -> tuple[str, ...]:
    """Name the Debian packages that the base lacks: what wheels ask for, and what is configured."""
    found = set(project.config.runtime_packages)
    for plan in plans.values():
        joined = {deb.name for layer in plan.layers if isinstance(layer, PackagesLayer) for deb in layer.packages}
        asked = {library.package for library in plan.libraries}
        found |= asked & joined if plan.base else {name for name in asked if not slim_has(name)}
    return tuple(sorted(found))


def _archives(plans: Mapping[Platform, Plan]) -> dict[Platform, list[Locked]]:
    return {platform: [*plan.wheels, *_sdists(plan.builds)] for platform, plan in plans.items()}


def _sdists(builds: Iterable[SourceBuild]) -> list[Locked]:
    return [build.sdist for build in builds]


def _groups(locked: Mapping[str, Mapping[Platform, list[Locked]]], header: str) -> tuple[Group, ...]:
    """Divide what variants install into heavy wheels, all others, and what is built from source."""
    heavy = {
        name: {archive.name for archives in platforms.values() for archive in archives if archive.size >= HEAVY}
        for name, platforms in locked.items()
    }
    sources = {
        archive.name
        for platforms in locked.values()
        for archives in platforms.values()
        for archive in archives
        if not archive.filename.endswith(".whl")
    }

    def kind(variant: str, archive: Locked) -> str:
        return "source" if archive.name in sources else "heavy" if archive.name in heavy[variant] else "wheels"

    found = []
    for name, why in _WHY.items():
        chosen = {
            variant: {
                platform: [archive for archive in archives if kind(variant, archive) == name]
                for platform, archives in platforms.items()
            }
            for variant, platforms in locked.items()
        }
        if name == "wheels" or any(rows for platforms in chosen.values() for rows in platforms.values()):
            texts = {variant: requirements_text(rows, header) for variant, rows in chosen.items()}
            found.append(Group(name, why, texts, sources=name == "source"))
    return tuple(found)


_WHY = {
    "heavy": "Big wheels change rarely: they are fetched and installed apart, and stay in a layer of their own.",
    "source": "What has no wheel is built from its source.",
    "wheels": "Wheels of the lock, each checked against its hash.",
}


def _target(target: ProjectTarget, plans: Plans, variants: Iterable[str], header: str) -> Target:
    locked: dict[str, dict[Platform, list[Locked]]] = {}
    packages = set(target.packages)
    for variant in variants:
        for platform, plan in plans[variant, target.name].items():
            own = plan.additions or Additions(target.name)
            locked.setdefault(variant, {})[platform] = [*own.wheels, *_sdists(own.builds)]
            packages |= {library.package for library in own.libraries}
    groups = tuple(group for group in _groups(locked, header) if _is_full(group))
    env = {"HOME": "/tmp", **target.env}  # noqa: S108 - of the container: where tools may write
    kept = tuple(sorted(name for name in packages if not slim_has(name)))
    return Target(target.name, target.command, env, kept, groups)


def _is_full(group: Group) -> bool:
    return any("==" in text for text in group.texts.values())


def _stages(project: Project, plans: Iterable[Plan], origins: Origins, header: str) -> Iterator[Stage]:
    """Give the stages that any of the plans needs, each after those that it takes from."""
    found: dict[str, dict[Platform, list[Locked]]] = {}
    inputs: set[str] = set()
    for plan in plans:
        for stage in plan.stages:
            found.setdefault(stage.name, {})[plan.platform] = list(stage.wheels)
            inputs |= {file.path for file in stage.inputs}
    for name, locked in found.items():
        config = project.config.stages[name]
        text = requirements_text(locked, header) if any(locked.values()) else ""
        yield Stage(name, text, stage_copies(config, inputs, origins), config.run)


def _labels(plan: Plan) -> dict[str, str]:
    """Give the labels that hold for every variant; `variant` is set where the variant is known."""
    return {
        name: text
        for name, text in plan.execution.labels.items()
        if not name.startswith((_OWN, "org.opencontainers.image.base."))
    }


def _backends(plans: Iterable[Plan]) -> tuple[str, ...]:
    names = {wheel.name for plan in plans for wheel in plan.wheels}
    return tuple(backend for backend, clients in BACKENDS.items() if not names.isdisjoint(clients))


