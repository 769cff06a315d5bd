"""`lightship build`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.build.building import default_name, tag
from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.build.making import Request
from lightship.build.output import is_layout
from lightship.build.platforms import BuiltImage, build_platforms, join_images
from lightship.build.savings import count_savings
from lightship.cli import push
from lightship.cli.attest import Attesting, attest_options, read_options, said
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
from lightship.cli.options import Output, common, machine, path_argument, target_option
from lightship.cli.platforms import check_reach, choose_platforms, only_platform, platforms_option
from lightship.cli.terminal import show_json, size
from lightship.errors import UsageError
from lightship.oci.index import Stored, choose_image, open_stored
from lightship.oci.model import Descriptor
from lightship.plan.model import Plan
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, read_project
from lightship.reference import parse_reference

if TYPE_CHECKING:
    from lightship.engines.load import EngineName
    from lightship.registry.push import Pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What the command line asks for."""

    path: Path
    variants: tuple[str, ...]
    target: str
    platforms: tuple[str, ...]
    name: str
    destination: str
    load: bool
    push: str
    attest: tuple[str, ...]
    sign: bool
    key: str
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
@platforms_option
@click.option("-t", "--tag", "name", default="", help="Name of the image; NAME:VARIANT[-TARGET] by default.")
@click.option("-o", "--output", "destination", default="", help="oci:DIR, docker-archive:FILE or rootfs:DIR.")
@click.option(
    "--load", is_flag=True, help="Load the image into Docker, or into Podman where there is no Docker."
)
@click.option("--push", default="", metavar="REF", help="Put the image into a registry, as REF.")
@attest_options
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
        results = [_build(project, variant, options, surroundings, output) for variant in variants]
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
    _check_attest(options)
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
    platform = only_platform(options.platforms, project, options.engine)
    engine = find(options.engine, options.builder, surroundings, output)
    order = Order(
        variants=variants,
        platform=platform,
        target=options.target,
        name=options.name,
        locked=options.locked,
        extra=extra_arguments(),
    )
    return EngineBuild(engine, order, options.destination).run(project, surroundings, output)


def _build(
    project: Project,
    variant: str,
    options: _Options,
    surroundings: Machine,
    output: Output,
) -> dict[str, Any]:
    started = time.perf_counter()
    attesting = read_options(
        options.attest,
        project.config.attest,
        sign=options.sign,
        key=options.key,
        machine=surroundings,
        output=output,
    )
    platforms = choose_platforms(options.platforms, project)
    check_reach(platforms, surroundings, destination=options.destination, load=options.load)
    request = Request(
        variant=variant,
        platform=platforms[0],
        target=options.target,
        compression=choose(options.compression, options.format, single_member=options.single_member),
        locked=options.locked,
        record=options.record,
    )

    images = _make(project, request, platforms, options, surroundings)
    descriptor = join_images(images, surroundings)
    name = tag(descriptor, options.name or default_name(images[0][0]), surroundings)
    pushed, beside = _deliver(descriptor, name, options, surroundings, attesting)
    seconds = time.perf_counter() - started
    trimmed = [count_savings(plan, surroundings.home).bytes for plan, _ in images]
    if not output.as_json:
        _say(name, project, descriptor, images, trimmed, seconds)
        told = (push.summary(options.push, pushed) if pushed else "", said(beside) if beside else "")
        for line in filter(None, told):
            click.echo(line)
    facts = [_facts(plan, built, saved) for (plan, built), saved in zip(images, trimmed, strict=True)]
    whole = facts[0] if len(facts) == 1 else {"digest": descriptor.digest, "platforms": facts}
    return {
        "name": name,
        **whole,
        "seconds": round(seconds, 3),
        **({"pushed": push.facts(options.push, pushed)} if pushed is not None else {}),
        **beside,
    }


def _make(
    project: Project,
    request: Request,
    platforms: Sequence[Platform],
    options: _Options,
    surroundings: Machine,
) -> tuple[BuiltImage, ...]:
    def attempt(project: Project) -> tuple[BuiltImage, ...]:
        return build_platforms(project, request, platforms, surroundings)

    if not options.fix_build_packages:
        return attempt(project)
    from lightship.build.repair import mending

    return mending(project, attempt, surroundings.reporter)


def _facts(plan: Plan, built: Built, trimmed: int) -> dict[str, Any]:
    return {
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


def _check_attest(options: _Options) -> None:
    if options.engine != DIRECT:
        return  # which refuses them all
    if options.sign and not options.push:
        raise UsageError("--sign signs what a registry has", hint="add --push REF")
    if options.attest and not (options.push or is_layout(options.destination)):
        raise UsageError(
            "--attest is about images that are handed over", hint="add --push REF, or --output oci:DIR"
        )


def _deliver(
    descriptor: Descriptor,
    name: str,
    options: _Options,
    surroundings: Machine,
    attesting: Attesting,
) -> tuple[Pushed | None, dict[str, Any]]:
    """Hand the image over as asked; also gives what there is to say of documents that went with it."""
    stored = open_stored(surroundings.home.images, descriptor)
    beside: dict[str, Any] = {}
    if options.destination:
        from lightship.build.output import write_output

        path = write_output(stored, name, options.destination, surroundings.reporter)
        if is_layout(options.destination) and attesting.beside_layout():
            beside = attesting.write(stored, path, surroundings)
    if options.load:
        _load(stored, name, surroundings)
    if not options.push:
        return None, beside
    from lightship.build import remote

    wire = surroundings.registries()
    pushed = remote.push(stored, options.push, surroundings, wire)
    return pushed, attesting.push(stored, options.push, surroundings, wire)


def _load(stored: Stored, name: str, surroundings: Machine) -> None:
    from lightship.engines.load import load

    environ = surroundings.environ
    engine: EngineName = "docker" if shutil.which("docker", path=environ.get("PATH")) else "podman"
    image = choose_image(stored, name, wanted=None, own=surroundings.platform)
    load(image, name, engine=engine, environ=environ, reporter=surroundings.reporter)


def _say(
    name: str,
    project: Project,
    descriptor: Descriptor,
    images: Sequence[BuiltImage],
    trimmed: Sequence[int],
    seconds: float,
) -> None:
    if project.found:
        click.echo(f"found: {'; '.join(project.found)}")
    title, taken = click.style(name, bold=True), f", {seconds:.2f} s"
    if len(images) > 1:
        click.echo(f"{title}  index of {len(images)} platforms  {descriptor.digest}{taken}")
        title, taken = "", ""
    for (plan, built), saved in zip(images, trimmed, strict=True):
        _say_image(title, plan, built, saved, taken)


def _say_image(title: str, plan: Plan, built: Built, trimmed: int, taken: str) -> None:
    made = sum(layer.made for layer in built.layers)
    news = f"{made} made, {size(built.added)}" if made else "all there already"
    click.echo(f"{title}  {plan.platform}  {built.descriptor.digest}".lstrip())
    click.echo(
        f"  {size(built.unpacked)} unpacked, {size(built.compressed)} compressed, "
        f"{len(built.layers)} layers ({news}){taken}"
    )
    if trimmed:
        click.echo(f"  {size(trimmed)} trimmed: `lightship plan` says what and why")
    for note in built.notes:
        click.echo(f"  note: {note}")
    if plan.budget is not None and built.unpacked > plan.budget:
        click.echo(f"  note: over its budget of {size(plan.budget)}: `lightship verify` will fail")
