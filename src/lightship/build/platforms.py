"""One image for each of several platforms, under one name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lightship.build.building import builder_of, plan_project
from lightship.build.image import Built
from lightship.build.machine import Machine
from lightship.build.making import Request, build_project
from lightship.errors import UsageError
from lightship.oci.index import write_index
from lightship.oci.model import Descriptor
from lightship.plan.model import Plan
from lightship.platform import Platform
from lightship.project.detect import Project

BuiltImage = tuple[Plan, Built]


def build_platforms(
    project: Project, request: Request, platforms: Sequence[Platform], machine: Machine
) -> tuple[BuiltImage, ...]:
    """Build an image for each platform, in their order; `request.platform` does not count.

    This machine's own is built first: the start that it records serves all. What another platform's image
    needs that platform's machine for is found out before anything is built.

    Raises:
        UsageError: if such a machine is needed; says what for.
        LightshipError: what building raises.

    """
    own = [platform for platform in platforms if platform == machine.platform]
    others = [platform for platform in platforms if platform != machine.platform]
    if len(platforms) > 1:
        _check(project, request, others, machine)
    built: dict[Platform, BuiltImage] = {}
    for platform in (*own, *others):
        record = request.record and (platform in own or not own)
        one = replace(request, platform=platform, record=record)
        built[platform] = build_project(project, one, machine)
    return tuple(built[platform] for platform in platforms)


def join_images(images: Sequence[BuiltImage], machine: Machine) -> Descriptor:
    """Give what a name is to stand for: the only image, or an index of all."""
    if len(images) == 1:
        return images[0][1].descriptor
    return write_index(machine.home.images, (built.descriptor for _, built in images))


def _check(project: Project, request: Request, others: Sequence[Platform], machine: Machine) -> None:
    """Plan the images for other machines, and refuse what none of them can be asked to do here."""
    from lightship.build.elsewhere import needs_machine

    found: dict[Platform, list[str]] = {}
    for platform in others:
        plan = plan_project(
            project, request.variant, platform, machine, locked=request.locked, target=request.target
        )
        known = builder_of(project, request.variant, machine, request.compression).known(plan)
        if needs := list(needs_machine(project, plan, known, machine)):
            found[platform] = needs
    if found:
        platforms = " and ".join(str(platform) for platform in found)
        raise UsageError(
            f"what the image for {platforms} is made from must be compiled or run there",
            where=f"{project.config.name}, variant {request.variant}",
            hint="build that platform on a machine of its own, or use versions that have wheels",
            detail="\n".join(f"{platform}: {need}" for platform, needs in found.items() for need in needs),
        )
