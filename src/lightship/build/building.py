"""From a project to a built and named image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from lightship.build.absent import with_places
from lightship.build.baseimage import blob_reader, plan_suite
from lightship.build.fetching import Fetcher
from lightship.build.image import Built
from lightship.build.locking import ensure_lock
from lightship.build.locks import is_current, require_current
from lightship.build.machine import Machine
from lightship.build.pinning import pinned_layers
from lightship.build.pipeline import Builder
from lightship.build.remarks import remarks
from lightship.build.selecting import select
from lightship.build.store import image_name
from lightship.digest import Digest
from lightship.oci.model import Descriptor
from lightship.oci.record import Compression
from lightship.plan.model import Additions, Plan
from lightship.plan.planner import Files, Selection, make_plan, with_built
from lightship.plan.stages import StageLayer
from lightship.plan.staging import with_stages
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import Project
from lightship.project.ignore import read_ignore
from lightship.project.sources import scan
from lightship.project.start import Start, read_start, start_path
from lightship.project.targets import find_target
from lightship.reference import parse_reference
from lightship.registry.address import Repository


def plan_project(
    project: Project,
    variant: str,
    platform: Platform,
    machine: Machine,
    *,
    locked: bool,
    target: str = PRODUCTION,
) -> Plan:
    """Plan an image; the lock is made, or made anew where it is stale, unless `locked` insists on it.

    Raises:
        CheckError: if `locked` and the lock is missing or stale.

    """
    if locked:
        require_current(project, variant, machine, target)
    else:
        ensure_lock(project, variant, machine, target)
    selection = select(project, variant, platform, machine, target)
    plan = plan_selection(project, variant, platform, selection, machine, target=target)
    return replace(plan, notes=(*plan.notes, *remarks(plan, machine.home)))


def plan_selection(
    project: Project,
    variant: str,
    platform: Platform,
    selection: Selection,
    machine: Machine,
    *,
    target: str = PRODUCTION,
) -> Plan:
    """Plan an image from what was selected for it."""
    own = find_target(project, target)
    plan = make_plan(
        project.config,
        variant,
        platform,
        selection,
        _files(project, machine),
        project.version,
        start=known_start(project, variant),
        target=None if own.is_production else own,
    )
    if not selection.stages:
        return plan
    from lightship.build.staging import stage_sources

    sources = stage_sources(project, variant, platform, selection, machine)
    return with_stages(plan, project.config, sources)


def with_builds(project: Project, plan: Plan, machine: Machine) -> Plan:
    """Build the distributions of a plan that have no wheel, and give the plan as it is then."""
    own = plan.additions or Additions(PRODUCTION)
    if not plan.builds and not own.builds:
        return plan
    from lightship.build.compiling import build_wheels, builder_root

    fetch = Fetcher(project, machine, plan_suite(project, plan))
    build = partial(build_wheels, project, plan.variant, machine=machine, fetch=fetch)
    wheels = build(plan.builds, builder_root(project, plan, plan.builder))
    wheels += build(own.builds, builder_root(project, plan, own.builder))
    return with_built(plan, wheels, project.config, known_start(project, plan.variant))


def build_plan(project: Project, plan: Plan, machine: Machine, compression: Compression) -> Built:
    """Build a plan into the machine's image store; stages and distributions without a wheel first."""
    builder = builder_of(project, plan.variant, machine, compression)
    fetch = Fetcher(project, machine, plan_suite(project, plan))
    builder = dataclasses.replace(builder, fetch=fetch)
    builder = dataclasses.replace(builder, outputs=_outputs(project, plan, builder, machine))
    plan = with_builds(project, plan, machine)
    built = builder.build(plan, project.folder)
    return replace(built, notes=tuple(dict.fromkeys((*built.notes, *remarks(plan, machine.home)))))


def _outputs(project: Project, plan: Plan, builder: Builder, machine: Machine) -> Mapping[Digest, Path]:
    if not any(isinstance(layer, StageLayer) for layer in plan.layers):
        return {}
    from lightship.build.staging import prepare_outputs

    return prepare_outputs(project, plan, builder.known(plan), machine)


def known_start(project: Project, variant: str) -> Start | None:
    """Read what was recorded of a start; one on another Python says nothing about this."""
    start = read_start(start_path(project.folder, variant))
    return start if start and start.python == project.config.python else None


def builder_of(project: Project, variant: str, machine: Machine, compression: Compression) -> Builder:
    """Give what builds a variant: by its recorded start, and with the layers that its lock records."""
    return dataclasses.replace(
        builder_for(project, machine, compression),
        start=known_start(project, variant),
        pins=pinned_layers(project, variant, machine),
    )


def builder_for(project: Project, machine: Machine, compression: Compression = Compression.GZIP) -> Builder:
    """Give what knows the layers that were made before; what is to fetch more must know a plan's suite."""
    return Builder(
        home=machine.home,
        fetch=Fetcher(project, machine),
        reporter=machine.reporter,
        created=machine.created,
        compression=compression,
        blob=blob_reader(project, machine),
        shared=machine.shared,
    )


def advice(project: Project, plan: Plan, machine: Machine) -> tuple[str, ...]:
    """Say whether the plan's PyTorch is used, and what the other locked variants would save."""
    from lightship.build.usage import torch_notes
    from lightship.project.usage import read_usage

    others = {
        name: select(project, name, plan.platform, machine, plan.target)
        for name in project.config.variants
        if name != plan.variant and is_current(project, name, machine, plan.target)
    }
    usage = read_usage(project.folder, _files(project, machine).application)
    return torch_notes(plan, usage, others, machine.home)


def default_name(plan: Plan) -> str:
    return image_name(plan.name, plan.variant, plan.target)


def tag(descriptor: Descriptor, name: str, machine: Machine, places: Iterable[Repository] = ()) -> str:
    """Name a built image, or an index of them, in the store; gives the name in full, with its tag.

    `places` are where layers are that the store lacks.
    """
    reference = parse_reference(name)
    machine.home.images.tag(str(reference), with_places(descriptor, places))
    return str(reference)


def _files(project: Project, machine: Machine) -> Files:
    ignore = read_ignore(project.folder)
    digests = machine.file_digests
    config = project.config
    return Files(
        scan(project.folder, config.sources, ignore, digests),
        scan(project.folder, config.models, ignore, digests),
    )
