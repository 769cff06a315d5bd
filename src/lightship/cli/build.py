"""`lightship build`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import replace as with_fields

from lightship.build.absent import bring
from lightship.build.building import default_name, tag
from lightship.build.machine import Machine
from lightship.build.making import Request
from lightship.build.output import is_layout
from lightship.build.platforms import BuiltImage, build_platforms, join_images
from lightship.build.sharing import building
from lightship.cli import caches as cached
from lightship.cli import push
from lightship.cli.attest import Attesting, attest_options, read_options, said
from lightship.cli.built import image_facts, say_image, trimmed_bytes
from lightship.cli.caches import cache_options, open_caches
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
from lightship.cli.terminal import show_json
from lightship.errors import UsageError
from lightship.oci.index import Stored, choose_image, open_stored
from lightship.oci.model import Descriptor
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project, read_project
from lightship.reference import parse_reference
from lightship.registry.address import locate

if TYPE_CHECKING:
    from lightship.build.layerexport import Exported
    from lightship.engines.load import EngineName
    from lightship.registry.push import Pushed


class _Options(Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    path: Path
    variants: tuple[str, ...]
    target: str
    platforms: tuple[str, ...]
    name: str
    destination: str
    load: bool
    push: str
    cache_from: tuple[str, ...]
    cache_to: str | None
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
@cache_options
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
    caches = open_caches(options.cache_from, options.cache_to, project, surroundings)
    surroundings = replace(surroundings, shared=caches.shared)
    request = Request(
        variant=variant,
        platform=platforms[0],
        target=options.target,
        compression=choose(options.compression, options.format, single_member=options.single_member),
        locked=options.locked,
        record=options.record,
    )

    def deliver() -> _Delivered:
        images = _make(project, request, platforms, options, surroundings)
        done = _deliver(images, options, attesting, surroundings)
        return with_fields(done, exported=caches.export(project, images, surroundings))

    done = building(caches.shared, deliver)
    seconds = time.perf_counter() - started
    trimmed = [trimmed_bytes(plan, built, surroundings) for plan, built in done.images]
    if not output.as_json:
        _say(project, done, trimmed, seconds)
        told = (
            push.summary(options.push, done.pushed) if done.pushed else "",
            said(done.beside) if done.beside else "",
            cached.summary(caches, done.exported) if done.exported else "",
        )
        for line in filter(None, told):
            click.echo(line)
    facts = [
        image_facts(plan, built, saved) for (plan, built), saved in zip(done.images, trimmed, strict=True)
    ]
    whole = facts[0] if len(facts) == 1 else {"digest": done.descriptor.digest, "platforms": facts}
    return {
        "name": done.name,
        **whole,
        "seconds": round(seconds, 3),
        **({"pushed": push.facts(options.push, done.pushed)} if done.pushed is not None else {}),
        **done.beside,
        **({"cache": cached.facts(caches, done.exported)} if done.exported is not None else {}),
    }


class _Delivered(Struct, frozen=True):
    """What a build came to; `beside` says which documents went with it."""

    images: tuple[BuiltImage, ...]
    descriptor: Descriptor
    name: str
    pushed: Pushed | None
    beside: dict[str, Any]
    exported: Exported | None = None


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


def _deliver(
    images: tuple[BuiltImage, ...],
    options: _Options,
    attesting: Attesting,
    surroundings: Machine,
) -> _Delivered:
    """Name what was built, and hand it over to all who are to have it."""
    descriptor = join_images(images, surroundings)
    places = tuple(dict.fromkeys(hit.place for _, built in images for hit in built.hits))
    name = tag(descriptor, options.name or default_name(images[0][0]), surroundings, places)
    stored = open_stored(surroundings.home.images, descriptor)
    if options.destination or options.load or attesting.reads_layers:
        bring(stored, places, surroundings)
    beside = _hand_over(stored, name, options, surroundings, attesting)
    pushed = None
    if options.push:
        from lightship.build import remote

        wire = surroundings.registries()
        pushed = remote.push(stored, options.push, surroundings, wire, places)
        beside = attesting.push(stored, options.push, surroundings, wire)
        if places:  # the image's own repository outlives a cache
            tag(descriptor, name, surroundings, (locate(parse_reference(options.push)), *places))
    return _Delivered(images, descriptor, name, pushed, beside)


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


def _hand_over(
    stored: Stored, name: str, options: _Options, surroundings: Machine, attesting: Attesting
) -> dict[str, Any]:
    """Write and load the image as asked; gives what there is to say of documents that went with it."""
    beside: dict[str, Any] = {}
    if options.destination:
        from lightship.build.output import write_output

        path = write_output(stored, name, options.destination, surroundings.reporter)
        if is_layout(options.destination) and attesting.beside_layout():
            beside = attesting.write(stored, path, surroundings)
    if options.load:
        _load(stored, name, surroundings)
    return beside


def _load(stored: Stored, name: str, surroundings: Machine) -> None:
    from lightship.engines.load import load

    environ = surroundings.environ
    import shutil

    engine: EngineName = "docker" if shutil.which("docker", path=environ.get("PATH")) else "podman"
    image = choose_image(stored, name, wanted=None, own=surroundings.platform)
    load(image, name, engine=engine, environ=environ, reporter=surroundings.reporter)


def _say(project: Project, done: _Delivered, trimmed: Sequence[int], seconds: float) -> None:
    if project.found:
        click.echo(f"found: {'; '.join(project.found)}")
    title, taken = click.style(done.name, bold=True), f", {seconds:.2f} s"
    if len(done.images) > 1:
        click.echo(f"{title}  index of {len(done.images)} platforms  {done.descriptor.digest}{taken}")
        title, taken = "", ""
    for (plan, built), saved in zip(done.images, trimmed, strict=True):
        say_image(title, plan, built, saved, taken)
