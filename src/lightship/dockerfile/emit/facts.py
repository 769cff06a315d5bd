"""From a configuration and its plans to what the files say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from lightship.dockerfile.emit.bases import base_images, slim_has
from lightship.dockerfile.emit.chains import UNTRACED, chains_of, slimmed
from lightship.dockerfile.emit.groups import KINDS, archives, groups_of
from lightship.dockerfile.emit.model import Chain, Options, Service, Stage, Target, Variant
from lightship.dockerfile.emit.origins import Origins, context_copies, output_copies, stage_copies
from lightship.dockerfile.emit.requirements import Locked, requirements_text
from lightship.dockerfile.emit.slimming import laid_out, modules_text
from lightship.errors import UsageError
from lightship.plan.cuda import VARIABLES
from lightship.plan.model import Additions, FilesLayer, PackagesLayer, Plan
from lightship.plan.targets import HOME
from lightship.platform import Platform
from lightship.project.config import PRODUCTION, Config
from lightship.project.detect import Project
from lightship.project.targets import Target as ProjectTarget
from lightship.project.targets import find_target

Plans: TypeAlias = Mapping[tuple[str, str], Mapping[Platform, Plan]]
"""Plans by variant and target, for each platform; `production` is always among the targets."""
BACKENDS = {
    "postgres": frozenset({"asyncpg", "pg8000", "psycopg", "psycopg-binary", "psycopg2", "psycopg2-binary"}),
    "redis": frozenset({"aioredis", "coredis", "redis", "valkey"}),
}
"""Distributions that speak to a service which Compose can start beside the application."""
RESERVED = frozenset({"builder", "bytecode", "packages", "runtime", *KINDS})
"""Names of stages that no target may have."""
_OWN = "io.lightship."
_PYTHONS_OWN = {
    "pip": ("pip",),
    "setuptools": ("_distutils_hack", "pkg_resources", "setuptools"),
    "wheel": ("wheel",),
}


def service_of(project: Project, plans: Plans, options: Options) -> Service:
    """Gather what the files say, from plans of every variant and target that they are about.

    Raises:
        UsageError: if the base is an image that pip cannot install into in this style, or a target is called
            as a stage of the Dockerfile is.

    """
    config = project.config
    _check_targets(plans)
    names = tuple(dict.fromkeys(variant for variant, _ in plans))
    by_variant = {name: plans[name, PRODUCTION] for name in names}
    every = [plan for platforms in plans.values() for plan in platforms.values()]
    shown = next(iter(by_variant[names[0]].values()))
    origins = Origins.of(config, every)
    stages = tuple(_stages(project, every, origins, options.header))
    base, builder = base_images(config, every, options.style, compiles=bool(stages) or _compiles(every))
    locked = _locked(by_variant)
    common = _common(_variables(plan) for plan in by_variant.values())
    packages = {name: _packages(project, platforms) for name, platforms in by_variant.items()}
    shared, made = _shared(packages.values()), _laid_out(plans, config)
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
            _variant(project, name, by_variant[name], common, set(packages[name]) - set(shared), origins)
            for name in names
        ),
        chains=_chains(made, locked, options.header),
        bytecode=config.bytecode,
        modules=_modules(config, by_variant, options.header),
        excluded=_of_the_base(locked),
        stages=stages,
        targets=tuple(
            _target(find_target(project, name), plans, made, options.header) for name in _targets(plans)
        ),
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


def _locked(plans: Mapping[str, Mapping[Platform, Plan]]) -> dict[str, dict[Platform, list[Locked]]]:
    return {
        name: {platform: archives(plan.wheels, plan.builds) for platform, plan in platforms.items()}
        for name, platforms in plans.items()
    }


def _laid_out(plans: Plans, config: Config) -> Plans:
    return {
        key: {platform: laid_out(plan, config) for platform, plan in platforms.items()}
        for key, platforms in plans.items()
    }


def _targets(plans: Plans) -> dict[str, None]:
    """Name the targets beside production, in their order."""
    return dict.fromkeys(target for _, target in plans if target != PRODUCTION)


def _check_targets(plans: Plans) -> None:
    for _, target in plans:
        if target in RESERVED or target.startswith(("runtime-", "packages-", "stage-", UNTRACED)):
            raise UsageError(
                f"the Dockerfile has a stage of its own called {target!r}",
                where=f"targets.{target}",
                hint="give the target another name",
            )


def _variant(
    project: Project,
    name: str,
    plans: Mapping[Platform, Plan],
    common: Mapping[str, str],
    packages: Collection[str],
    origins: Origins,
) -> Variant:
    variables = _variables(plans)
    own = {key: value for key, value in variables.items() if key not in common}
    copies = output_copies(project.config, name, origins)
    return Variant(name, tuple(sorted(packages)), own, copies, cuda=VARIABLES.keys() <= variables.keys())


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
        layers = (layer for layer in plan.layers if isinstance(layer, PackagesLayer))
        joined = {deb.name for layer in layers for deb in layer.packages}
        asked = {library.package for library in plan.libraries}
        found |= asked & joined if plan.base else {name for name in asked if not slim_has(name)}
    return tuple(sorted(found))


def _target(target: ProjectTarget, plans: Plans, made: Plans, header: str) -> Target:
    variants = dict.fromkeys(variant for variant, _ in plans)
    own = {
        variant: {
            platform: plan.additions or Additions(target.name)
            for platform, plan in plans[variant, target.name].items()
        }
        for variant in variants
    }
    locked = {
        variant: {platform: archives(part.wheels, part.builds) for platform, part in parts.items()}
        for variant, parts in own.items()
    }
    libraries = (part.libraries for parts in own.values() for part in parts.values())
    asked = {library.package for found in libraries for library in found}
    packages = sorted(name for name in {*target.packages, *asked} if not slim_has(name))
    found = tuple(group for group in groups_of(locked, header) if group.is_full)
    laid = {variant: made[variant, target.name] for variant in variants}
    groups = slimmed(found, laid, header, f"{target.name}-")
    env = {"HOME": HOME, **target.env}
    return Target(target.name, target.command, env, tuple(packages), groups)


def _modules(config: Config, plans: Mapping[str, Mapping[Platform, Plan]], header: str) -> dict[str, str]:
    texts = {variant: modules_text(config, every.values(), header) for variant, every in plans.items()}
    known = any(texts.values())
    return {variant: text or f"# {header}\n" for variant, text in texts.items() if known}


def _chains(
    plans: Plans,
    locked: Mapping[str, Mapping[Platform, list[Locked]]],
    header: str,
) -> tuple[Chain, ...]:
    target = next(iter(_targets(plans)), "")
    other = {name: plans[name, target] for name in locked} if target else None
    return chains_of(
        groups_of(locked, header), {name: plans[name, PRODUCTION] for name in locked}, other, header
    )


def _of_the_base(locked: Mapping[str, Mapping[Platform, list[Locked]]]) -> tuple[str, ...]:
    """Name what `python:*` images have in site-packages, as far as no lock has it."""
    names = {name for platforms in locked.values() for name in _names(platforms)}
    return tuple(folder for name, own in _PYTHONS_OWN.items() if name not in names for folder in own)


def _names(platforms: Mapping[Platform, list[Locked]]) -> set[str]:
    return {archive.name for archives in platforms.values() for archive in archives}


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
    names = {archive.name for plan in plans for archive in archives(plan.wheels, plan.builds)}
    return tuple(backend for backend, clients in BACKENDS.items() if not names.isdisjoint(clients))
