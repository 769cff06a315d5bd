"""`lightship lock`."""

from __future__ import annotations

from pathlib import Path

import click

from lightship.cli.options import Output, common, machine, path_argument
from lightship.cli.terminal import show_json
from lightship.errors import LightshipError


@click.command()
@path_argument
@click.option("--variant", "variants", multiple=True, help="Only this variant (repeatable); all by default.")
@click.option("--upgrade", is_flag=True, help="Take newer versions where the requirements allow them.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@common
def command(
    *, path: Path, variants: tuple[str, ...], upgrade: bool, check: bool, offline: bool, output: Output
) -> None:
    """Resolve every package of every variant, and write pylock.VARIANT.toml.

    The lock is a PEP 751 file; Debian packages stand in its [tool.lightship] table. Commit it.
    """
    from lightship.build import locking
    from lightship.project.detect import read_project

    project = read_project(path)
    surroundings = machine(output, offline=offline)
    written: list[str] = []
    failed: list[LightshipError] = []
    asked = variants or tuple(project.config.variants)
    for variant in asked:
        try:
            if check:
                locking.require_current(project, variant, surroundings)
                continue
            file = locking.make_lock(project, variant, surroundings, upgrade=upgrade)
        except LightshipError as error:
            # one variant's index may be out of reach here: the others are locked all the same
            failed.append(error)
            if len(asked) > 1:
                surroundings.reporter.warn(f"variant {variant} is not locked")
            continue
        written.append(str(file))
        if not output.as_json:
            click.echo(_summary(file))
    if failed:
        raise failed[0]
    if output.as_json:
        show_json({"locks": written})


def _summary(file: Path) -> str:
    from lightship.wheels.lock import read_lock

    lock = read_lock(file)
    debs = max((len(packages) for packages in lock.debs.values()), default=0)
    platforms = ", ".join(str(platform) for platform in lock.platforms)
    return f"{file}: {len(lock.packages)} Python and {debs} Debian packages for {platforms}"
