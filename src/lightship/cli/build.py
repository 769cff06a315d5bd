"""`lightship build`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.build.building import default_name, tag
from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.build.making import Request, build_project
from lightship.build.savings import count_savings
from lightship.cli import push
from lightship.cli.engines import (
    DIRECT,
    EngineBuild,
    PassingOn,
    builder_option,
    check_direct,
    check_options,
    engine_option,
    extra_arguments,
    find,
)
from lightship.cli.formats import choose, format_option
from lightship.cli.options import Output, common, machine, path_argument, registries, target_option
from lightship.cli.terminal import show_json, size
from lightship.errors import UsageError
from lightship.plan.model import Plan
from lightship.platform import Platform, parse_platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, read_project
from lightship.reference import parse_reference

if TYPE_CHECKING:
    from lightship.engines.load import EngineName
    from lightship.registry.push import Pushed
    from lightship.registry.wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What the command line asks for."""

    path: Path
    variants: tuple[str, ...]
    target: str
    platform: str
    name: str
    destination: str
    load: bool
    push: str
    compression: str
    single_member: bool
    format: str
    locked: bool
    offline: bool
    record: bool
    fix_build_packages: bool
    engine: str
    builder: str


@click.command(cls=PassingOn)
@path_argument
@click.option("--variant", "variants", multiple=True, help="The variant (repeatable).")
@target_option
@click.option("--platform", default="", help="Such as linux/arm64; the first configured one by default.")
@click.option("-t", "--tag", "name", default="", help="Name of the image; NAME:VARIANT[-TARGET] by default.")
@click.option("-o", "--output", "destination", default="", help="oci:DIR, docker-archive:FILE or rootfs:DIR.")
@click.option(
    "--load", is_flag=True, help="Load the image into Docker, or into Podman where there is no Docker."
)
@click.option("--push", default="", metavar="REF", help="Put the image into a registry, as REF.")
@click.option("--compression", type=click.Choice(["gzip", "zstd"]), default="gzip", show_default=True)
@click.option("--single-member", is_flag=True, help="Write gzip of one member, for old readers; slower.")
@format_option
@click.option("--locked", is_flag=True, help="Fail if the lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@click.option("--record", is_flag=True, help="Start the service, and record anew what it imports.")
@click.option(
    "--fix-build-packages",
    is_flag=True,
    help="Add the Debian packages that a build misses to the configuration, and go on.",
)
@engine_option("Who builds")
@builder_option
@common
def command(*, output: Output, **given: Any) -> None:
    """Make the image of the project in PATH.

    Locks first where there is no lock, or the requirements have changed since.
    """
    options = _Options(**given)
    project = read_project(options.path)
    variants = options.variants or (project.config.variant,)
    _check(options, variants)
    surroundings = machine(output, offline=options.offline)
    if options.engine == DIRECT:
        check_direct(options.builder)
        connect = registries(surroundings)
        results = [_build(project, variant, options, surroundings, output, connect) for variant in variants]
    else:
        results = _build_elsewhere(project, variants, options, surroundings, output)
    if output.as_json:
        show_json(results[0] if len(results) == 1 else results)


def _check(options: _Options, variants: tuple[str, ...]) -> None:
    """Refuse options that contradict each other."""
    if options.name and len(variants) > 1:
        raise UsageError(
            "one --tag cannot name several variants", hint="leave out --tag, or build them singly"
        )
    _check_push(options, variants)
    if options.fix_build_packages and options.locked:
        raise UsageError(
            "--fix-build-packages changes what --locked insists on", hint="leave one of them out"
        )
    if options.record and options.target != PRODUCTION:
        raise UsageError(
            "--record is about production: its start is recorded, and no other target's",
            hint="leave out --record or --target",
        )
    if options.record and options.locked:
        raise UsageError("--record changes what --locked insists on", hint="leave one of them out")


def _build_elsewhere(
    project: Project, variants: tuple[str, ...], options: _Options, surroundings: Machine, output: Output
) -> list[dict[str, Any]]:
    from lightship.engines.build import Order

    check_options(options.engine, load=options.load)
    engine = find(options.engine, options.builder, surroundings, output)
    order = Order(
        variants=variants,
        platform=_platform(project, options),
        target=options.target,
        name=options.name,
        locked=options.locked,
        extra=extra_arguments(),
    )
    return EngineBuild(engine, order, options.destination).run(project, surroundings, output)


def _platform(project: Project, options: _Options) -> Platform:
    return parse_platform(options.platform) if options.platform else project.platforms[0]


def _build(
    project: Project,
    variant: str,
    options: _Options,
    surroundings: Machine,
    output: Output,
    connect: Callable[[], Wire],
) -> dict[str, Any]:
    started = time.perf_counter()
    request = Request(
        variant=variant,
        platform=_platform(project, options),
        target=options.target,
        compression=choose(options.compression, options.format, single_member=options.single_member),
        locked=options.locked,
        record=options.record,
    )

    def attempt(project: Project) -> tuple[Plan, Built]:
        return build_project(project, request, surroundings)

    if options.fix_build_packages:
        from lightship.build.repair import mending

        plan, built = mending(project, attempt, surroundings.reporter)
    else:
        plan, built = attempt(project)
    name = tag(built, options.name or default_name(plan), surroundings)
    _hand_over(built, name, options, surroundings)
    pushed = _push(built, options.push, surroundings, connect) if options.push else None
    trimmed = count_savings(plan, surroundings.home).bytes
    seconds = time.perf_counter() - started
    if not output.as_json:
        _say(name, project, plan, built, trimmed, seconds)
        if pushed is not None:
            click.echo(push.summary(options.push, pushed))
    return {
        "name": name,
        "digest": built.descriptor.digest,
        "platform": str(plan.platform),
        "variant": plan.variant,
        "target": plan.target,
        "unpacked": built.unpacked,
        "compressed": built.compressed,
        "added": built.added,
        "trimmed": trimmed,
        "budget": plan.budget,
        "layers": [
            _layer(layer.title, layer.record.descriptor.digest, made=layer.made) for layer in built.layers
        ],
        "seconds": round(seconds, 3),
        **({"pushed": push.facts(options.push, pushed)} if pushed is not None else {}),
    }


def _layer(title: str, digest: str, *, made: bool) -> dict[str, Any]:
    return {"title": title, "digest": digest, "made": made}


def _check_push(options: _Options, variants: tuple[str, ...]) -> None:
    """Refuse what cannot be pushed before anything is built."""
    if not options.push:
        return
    if len(variants) > 1:
        raise UsageError(
            "one --push cannot name several variants", hint="build them singly, each with its own REF"
        )
    if options.offline:
        raise UsageError("--push needs the network", hint="leave out --offline")
    if parse_reference(options.push).digest is not None:
        raise UsageError("--push wants a tag, not a digest", hint="leave out the part from '@' on")


def _push(built: Built, name: str, surroundings: Machine, connect: Callable[[], Wire]) -> Pushed:
    from lightship.build import remote

    image = surroundings.home.images.image(built.descriptor)
    return remote.push(image, name, surroundings, connect())


def _hand_over(built: Built, name: str, options: _Options, surroundings: Machine) -> None:
    image = surroundings.home.images.image(built.descriptor)
    if options.destination:
        from lightship.build.output import write_output

        write_output(image, name, options.destination, surroundings.reporter)
    if options.load:
        from lightship.engines.load import load

        environ = surroundings.environ
        engine: EngineName = "docker" if shutil.which("docker", path=environ.get("PATH")) else "podman"
        load(image, name, engine=engine, environ=environ, reporter=surroundings.reporter)


def _say(name: str, project: Project, plan: Plan, built: Built, trimmed: int, seconds: float) -> None:
    made = sum(layer.made for layer in built.layers)
    news = f"{made} made, {size(built.added)}" if made else "all there already"
    if project.found:
        click.echo(f"found: {'; '.join(project.found)}")
    click.echo(f"{click.style(name, bold=True)}  {plan.platform}  {built.descriptor.digest}")
    click.echo(
        f"  {size(built.unpacked)} unpacked, {size(built.compressed)} compressed, "
        f"{len(built.layers)} layers ({news}), {seconds:.2f} s"
    )
    if trimmed:
        click.echo(f"  {size(trimmed)} trimmed: `lightship plan` says what and why")
    for note in built.notes:
        click.echo(f"  note: {note}")
    if plan.budget is not None and built.unpacked > plan.budget:
        click.echo(f"  note: over its budget of {size(plan.budget)}: `lightship verify` will fail")
