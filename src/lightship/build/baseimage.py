"""A project's base, where it is an image: pinned for each platform, and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lightship.build.images import ImageSource, find_source, is_layout
from lightship.build.machine import Machine
from lightship.digest import Digest
from lightship.errors import IntegrityError
from lightship.plan.base import BaseImage
from lightship.plan.model import ImageLayer, Plan
from lightship.platform import Platform
from lightship.project.detect import Project, debian_suite, is_suite


def base_source(project: Project, machine: Machine) -> ImageSource:
    """Find where a project's base comes from; a relative path starts at the project's folder.

    Raises:
        UsageError: if it is no image that can be read.

    """
    return find_source(project.config.base, project.folder, machine)


def base_digests(
    project: Project, machine: Machine, locked: Mapping[Platform, Digest] | None = None
) -> dict[Platform, Digest]:
    """Tell which image the base is now, for each platform; nothing for a base of a Debian suite.

    What a name stood for when it was `locked` is kept, if that is known of every platform: those of one index
    belong together.

    Raises:
        UsageError: if there is no such image, or none for a platform.
        NetworkError: if it is a registry's, which cannot be asked.

    """
    if is_suite(project.config.base):
        return {}
    if locked and not is_layout(project.config.base) and all(it in locked for it in project.platforms):
        return {platform: locked[platform] for platform in project.platforms}
    source = base_source(project, machine)
    return {platform: source.find(platform).descriptor.digest for platform in project.platforms}


def watched_digests(project: Project, machine: Machine) -> dict[Platform, Digest]:
    """Give the images of a base whose change makes a lock stale: a layout's, which is an input as files are.

    What a name stands for changes on its own; locks hold on to what it was, and no network is asked.

    Raises:
        UsageError: if there is no such image, or none for a platform.

    """
    return base_digests(project, machine) if is_layout(project.config.base) else {}


def read_base(project: Project, platform: Platform, digest: Digest, machine: Machine) -> BaseImage:
    """Read the base that a lock pins.

    Raises:
        UsageError: if the project's Python does not run on it.
        IntegrityError: if it is missing or damaged.

    """
    from lightship.build.basefacts import read_pinned
    from lightship.plan.basecheck import choose_python

    config = project.config
    found = read_pinned(base_source(project, machine), digest, platform, machine)
    python = choose_python(found.facts, config.python, platform, where=config.base)
    return BaseImage(
        reference=config.base,
        digest=digest,
        architecture=platform.architecture,
        layers=found.layers,
        execution=found.execution,
        facts=found.facts,
        python=python,
    )


def plan_suite(project: Project, plan: Plan) -> str:
    """Name the Debian suite whose packages can join a plan's image; empty on a base of no Debian release."""
    return plan.base.suite if plan.base else debian_suite(project.config.base)


def blob_reader(project: Project, machine: Machine) -> Callable[[ImageLayer], Iterator[bytes]]:
    """Give what reads layers of a project's base."""

    def read(layer: ImageLayer) -> Iterator[bytes]:
        image = base_source(project, machine).pinned(layer.image)
        blobs: Mapping[Digest, Callable[[], Iterator[bytes]]] = {
            each.descriptor.digest: each.chunks for each in image.layers
        }
        if layer.record.descriptor.digest not in blobs:
            raise IntegrityError("the base is not the locked one", where=layer.reference, hint="lock again")
        return blobs[layer.record.descriptor.digest]()

    return read
