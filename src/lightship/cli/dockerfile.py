"""`lightship dockerfile`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lightship.cli.options import Output, common, machine, path_argument
from lightship.cli.terminal import show_json
from lightship.dockerfile.emit.model import CIS, STYLES, Options

if TYPE_CHECKING:
    from lightship.build.machine import Machine
    from lightship.dockerfile.emit.facts import Plans
    from lightship.dockerfile.emit.model import CI, Style
    from lightship.project.detect import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    path: Path
    variants: tuple[str, ...]
    style: Style
    ci: CI | None
    portable: bool
    check: bool
    stdout: bool
    force: bool
    locked: bool
    offline: bool


@click.command()
@path_argument
@click.option("--variant", "variants", multiple=True, help="Only this variant (repeatable); all by default.")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default=STYLES[0],
    show_default=True,
    help="What the builder hands on: wheels, what they install, or a virtual environment.",
)
@click.option("--ci", type=click.Choice(CIS), help="Write a workflow that builds and verifies, too.")
@click.option("--portable", is_flag=True, help="Do without COPY --link, as Docker 20.10 does.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is missing or stale.")
@click.option("--stdout", is_flag=True, help="Print the Dockerfile, and write nothing.")
@click.option("--force", is_flag=True, help="Overwrite files that Lightship did not make.")
@click.option("--locked", is_flag=True, help="Fail if a lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@common
def command(*, output: Output, **given: Any) -> None:
    """Write the plan as Dockerfile, .dockerignore, compose.yaml and docker-bake.hcl.

    What they install is pinned in docker/requirements, by the hashes in the lock. Commit all of them.
    """
    from lightship.dockerfile.emit.emit import emit
    from lightship.dockerfile.emit.files import check_files, ignored, write_files
    from lightship.project.detect import read_project

    asked = _Asked(**given)
    project = read_project(asked.path)
    options = Options(asked.style, asked.portable, asked.ci, asked.variants)
    surroundings = machine(output, offline=asked.offline)
    plans = _plans(project, asked, surroundings)
    _say_what_is_compiled(project, plans, surroundings)
    files = emit(project, plans, options)
    if asked.stdout:
        click.echo(files["Dockerfile"], nl=False)
        return
    if asked.check:
        check_files(asked.path, files, options.command)
    written = () if asked.check else write_files(asked.path, files, force=asked.force)
    for name in ignored(asked.path, files):
        surroundings.reporter.warn(f".dockerignore leaves out {name}, which the Dockerfile copies")
    _show(files, written, output)


def _plans(project: Project, asked: _Asked, surroundings: Machine) -> Plans:
    from lightship.build.building import plan_project
    from lightship.project.config import PRODUCTION
    from lightship.project.targets import DEVELOPMENT

    locked = asked.locked or asked.check
    targets = dict.fromkeys((PRODUCTION, DEVELOPMENT, *sorted(project.config.targets)))
    return {
        (variant, target): {
            platform: plan_project(project, variant, platform, surroundings, locked=locked, target=target)
            for platform in project.platforms
        }
        for variant in asked.variants or tuple(project.config.variants)
        for target in targets
    }


def _say_what_is_compiled(project: Project, plans: Plans, surroundings: Machine) -> None:
    from lightship.plan.bytecode import IMPORTED

    unknown = {
        variant
        for (variant, _), platforms in plans.items()
        if any(plan.start is None for plan in platforms.values())
    }
    if unknown and project.config.bytecode == IMPORTED:
        surroundings.reporter.note(
            f"no start of {', '.join(sorted(unknown))} is recorded: the application alone is compiled, and"
            " every process compiles the rest; `lightship build --record` records one"
        )


def _show(files: Mapping[str, str], written: tuple[str, ...], output: Output) -> None:
    if output.as_json:
        show_json({"files": sorted(files), "written": sorted(written)})
        return
    for name in written:
        click.echo(f"{'wrote' if name in files else 'removed'} {name}")
    if not written:
        click.echo(f"{len(files)} files are as they should be")
