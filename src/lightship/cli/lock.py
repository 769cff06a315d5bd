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
@click.option(
    "--target", default="", help="Lock this target too; those that the project speaks of always are."
)
@click.option("--upgrade", is_flag=True, help="Take newer versions where the requirements allow them.")
@click.option(
    "--layers",
    is_flag=True,
    help="Make the images too, and record their layers, for builds that take them from a cache.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a lock is missing or stale.")
@click.option("--offline", is_flag=True, help="Use only what is in the caches.")
@common
def command(
    *,
    path: Path,
    variants: tuple[str, ...],
    target: str,
    upgrade: bool,
    layers: bool,
    check: bool,
    offline: bool,
    output: Output,
) -> None:
    """Resolve every package of every variant, and write pylock.VARIANT.toml.

    The lock is a PEP 751 file; Debian packages stand in its [tool.lightship] table. Commit it. What is
    locked and still fits is kept, and indexes are asked about what changed alone, unless with --upgrade.
    """
    from lightship.build.layerlock import record_layers
    from lightship.build.locking import make_lock
    from lightship.build.locks import lock_file, recorded_layers, require_current
    from lightship.project.config import PRODUCTION
    from lightship.project.detect import read_project
    from lightship.project.targets import declared_targets, find_target

    project = read_project(path)
    named = (find_target(project, target).name,) if target else ()
    targets = dict.fromkeys([*declared_targets(project), *(name for name in named if name != PRODUCTION)])
    surroundings = machine(output, offline=offline)
    written: list[str] = []
    failed: list[LightshipError] = []
    asked = variants or tuple(project.config.variants)
    for variant in asked:
        try:
            if check:
                for each in (PRODUCTION, *targets):
                    require_current(project, variant, surroundings, each)
                continue
            recorded = layers or any(recorded_layers(lock_file(project, variant)).values())
            file = make_lock(project, variant, surroundings, upgrade=upgrade, targets=tuple(targets))
            if recorded:
                record_layers(project, variant, surroundings, named)
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
    targets = f", with target {', '.join(lock.targets)}" if lock.targets else ""
    count = sum(map(len, lock.layers.values()))
    layers = f", {count} layers recorded" if count else ""
    return f"{file}: {len(lock.packages)} Python and {debs} Debian packages for {platforms}{targets}{layers}"
