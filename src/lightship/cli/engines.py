"""What commands share about external engines: their options, builds, and images in their stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from lightship.build.machine import Machine
from lightship.cli.options import Output, registries
from lightship.cli.terminal import size
from lightship.errors import UsageError

if TYPE_CHECKING:
    from lightship.engines.build import Delivered, Order
    from lightship.engines.model import Engine
    from lightship.oci.model import Image
    from lightship.platform import Platform
    from lightship.project.detect import Project

Function = TypeVar("Function", bound=Callable[..., Any])
DIRECT = "direct"
_STANDARD_ERROR = 2
_EXTRA = "lightship.engine-arguments"
_DIRECT_ONLY = (
    "compression",
    "single_member",
    "format",
    "offline",
    "record",
    "fix_build_packages",
    "push",
    "cache_from",
    "cache_to",
    "attest",
    "sign",
    "key",
)

builder_option = click.option(
    "--builder", default="", metavar="NAME", help="With --engine docker: one of buildx's builders."
)


def engine_option(what: str) -> Callable[[Function], Function]:
    """Give the option; `what` says what the engine does."""
    return click.option(
        "--engine",
        default=DIRECT,
        show_default=True,
        metavar="NAME",
        help=f"{what}: direct, docker, podman or buildah.",
    )


class PassingOn(click.Command):
    """A command that leaves what follows `--` to an engine; `extra_arguments` gives it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[_EXTRA] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- ENGINE OPTIONS]"]


def extra_arguments() -> tuple[str, ...]:
    found = click.get_current_context().meta.get(_EXTRA, ())
    return tuple(found)


def check_direct(builder: str) -> None:
    """Insist that nothing is said to an engine which is not there."""
    said = ("--builder" if builder else "") or ("what follows --" if extra_arguments() else "")
    if said:
        raise UsageError(f"{said} is for another engine", hint="name it, such as --engine docker")


def check_options(engine: str, *, load: bool) -> None:
    """Refuse options that an external engine cannot heed."""
    context = click.get_current_context()
    for name in _DIRECT_ONLY:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name.replace('_', '-')} is about the direct engine, and {engine} builds by itself",
                hint="leave one of them out",
            )
    if load and engine == "buildah":
        raise UsageError(
            "--load is about Docker and Podman", hint="leave it out: Podman sees what Buildah has built"
        )


def find(engine: str, builder: str, surroundings: Machine, output: Output) -> Engine:
    from lightship.engines.find import check_name, find_engine
    from lightship.engines.programs import MachinePrograms

    check_name(engine)
    progress = _STANDARD_ERROR if output.level else None
    return find_engine(engine, MachinePrograms(surroundings.environ, progress), builder)


class EngineBuild(Struct, frozen=True):
    """A build by an external engine; `destination` is where `--output` hands the images over."""

    engine: Engine
    order: Order
    destination: str

    def run(self, project: Project, surroundings: Machine, output: Output) -> list[dict[str, Any]]:
        """Build, hand over and say what there is now; gives the same as values for JSON."""
        from lightship.engines.build import build_with

        results = []
        started = time.perf_counter()
        for delivered in build_with(self.engine, project, self.order, surroundings):
            self._hand_over(delivered, surroundings)
            result = self._result(delivered, time.perf_counter() - started)
            results.append(result)
            if not output.as_json:
                _say(delivered, result)
            started = time.perf_counter()
        return results

    def _hand_over(self, delivered: Delivered, surroundings: Machine) -> None:
        if not self.destination:
            return
        from lightship.build.output import write_output
        from lightship.engines.export import exported

        home, reporter = surroundings.home, surroundings.reporter
        with exported(self.engine, delivered.name, home.cache, reporter, compress=True) as image:
            write_output(image, delivered.name, self.destination, reporter)

    def _result(self, delivered: Delivered, seconds: float) -> dict[str, Any]:
        return {
            "name": delivered.name,
            "engine": self.engine.name,
            "id": delivered.image.id,
            "platform": str(delivered.plan.platform),
            "variant": delivered.plan.variant,
            "target": delivered.plan.target,
            "unpacked": delivered.image.size,
            "budget": delivered.plan.budget,
            "seconds": round(seconds, 3),
        }


def _say(delivered: Delivered, result: dict[str, Any]) -> None:
    plan = delivered.plan
    click.echo(f"{click.style(delivered.name, bold=True)}  {plan.platform}  {delivered.image.id}")
    click.echo(f"  {size(delivered.image.size)} in {result['engine']}, {result['seconds']:.2f} s")
    for note in plan.notes:
        click.echo(f"  note: {note}")
    if plan.budget is not None and delivered.image.size > plan.budget:
        click.echo(f"  note: over its budget of {size(plan.budget)}: `lightship verify` will fail")


@contextmanager
def stored_image(
    text: str,
    variant: str,
    target: str,
    platform: Platform | None,
    *,
    engine: str,
    surroundings: Machine,
    output: Output,
) -> Iterator[tuple[str, Image]]:
    """Find an image by name, project or archive: in the local store, a registry, or an engine's store."""
    from lightship.build.archives import archive_file, opened_archive
    from lightship.build.store import check_target, find_any

    if engine == DIRECT and (file := archive_file(text)) is not None:
        check_target(text, target)
        with opened_archive(file, surroundings, platform) as image:
            yield file.name, image
        return
    if engine == DIRECT:
        connect = registries(surroundings)
        yield find_any(text, variant, surroundings, target, platform, connect=connect)
        return
    if platform is not None:
        raise UsageError(
            f"--platform chooses from an index, and {engine}'s store has none", hint="leave it out"
        )
    from lightship.engines.export import exported

    found = find(engine, "", surroundings, output)
    name = _image_name(text, variant, target)
    with exported(found, name, surroundings.home.cache, surroundings.reporter) as image:
        yield name, image


def _image_name(text: str, variant: str, target: str) -> str:
    from lightship.build.store import check_target, image_name
    from lightship.project.detect import read_project
    from lightship.project.targets import find_target
    from lightship.reference import parse_reference

    if not Path(text).is_dir():
        check_target(text, target)
        return str(parse_reference(text))
    project = read_project(Path(text))
    wanted = find_target(project, target)
    return image_name(project.config.name, project_variant(project, variant), wanted.name)


def project_variant(project: Project, variant: str) -> str:
    name = variant or project.config.variant
    project.variant(name)
    return name
