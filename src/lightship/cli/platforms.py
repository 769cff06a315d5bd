"""`--platform` on the command line."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lightship.build.machine import Machine
from lightship.build.output import holds_one
from lightship.errors import UsageError
from lightship.platform import Platform, parse_platform
from lightship.project.detect import Project

platforms_option = click.option(
    "--platform",
    "platforms",
    multiple=True,
    help="Such as linux/arm64; several (repeated, or with commas) make an index. The first configured one "
    "by default.",
)
platform_option = click.option(
    "--platform", default="", help="Of an index, the image for it; this machine's by default."
)


def choose_platforms(texts: Sequence[str], project: Project) -> tuple[Platform, ...]:
    """Read what `--platform` says, each platform once, in one order; the first configured one by default.

    Raises:
        UsageError: for a platform that Lightship cannot build.

    """
    named = {parse_platform(text.strip()) for item in texts for text in item.split(",")}
    return tuple(sorted(named)) or project.platforms[:1]


def only_platform(texts: Sequence[str], project: Project, engine: str) -> Platform:
    """Read `--platform` for an external engine, which builds for one.

    Raises:
        UsageError: for several.

    """
    platforms = choose_platforms(texts, project)
    if len(platforms) > 1:
        raise UsageError(
            f"several platforms make an index, which {engine} is not asked for",
            where="--platform",
            hint="leave out --engine, build them singly, or have `docker buildx bake` read "
            "what `lightship dockerfile` writes",
        )
    return platforms[0]


def check_reach(platforms: Sequence[Platform], machine: Machine, *, destination: str, load: bool) -> None:
    """Refuse before anything is built what takes one image, where none of several is for this machine.

    Raises:
        UsageError: naming the option.

    """
    if len(platforms) == 1 or machine.platform in platforms:
        return
    output = f"--output {destination}" if destination and holds_one(destination) else ""
    if option := "--load" if load else output:
        raise UsageError(
            f"{option} takes the image for this machine, and it is none of "
            + ", ".join(str(platform) for platform in platforms),
            where="--platform",
            hint="name one --platform, or hand the index over with --output oci:DIR",
        )


def parse_option(text: str) -> Platform | None:
    """Read what `platform_option` gives: None for this machine's.

    Raises:
        UsageError: for a platform that Lightship cannot build.

    """
    return parse_platform(text) if text else None
