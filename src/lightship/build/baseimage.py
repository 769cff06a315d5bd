"""A project's base, where it is an image: pinned for each platform, and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lightship.build.images import ImageSource, find_source
from lightship.build.machine import Machine
from lightship.digest import Digest
from lightship.errors import IntegrityError, UsageError
from lightship.plan.base import BaseImage
from lightship.plan.model import ImageLayer
from lightship.platform import Platform
from lightship.project.detect import Project, debian_suite, is_suite


def base_source(project: Project, machine: Machine) -> ImageSource:
    """Find where a project's base comes from; a relative path starts at the project's folder.

    Raises:
        UsageError: if it is no image that can be read.

    """
    return find_source(project.config.base, project.folder, machine.home.images)


def base_digests(project: Project, machine: Machine) -> dict[Platform, Digest]:
    """Tell which image the base is now, for each platform; nothing for a base of a Debian suite.

    Raises:
        UsageError: if there is no such image, or none for a platform.

    """
    if is_suite(project.config.base):
        return {}
    source = base_source(project, machine)
    return {platform: source.find(platform).descriptor.digest for platform in project.platforms}


def read_base(project: Project, platform: Platform, digest: Digest, machine: Machine) -> BaseImage:
    """Read the base that a lock pins.

    Raises:
        UsageError: if the project's Python does not run on it.
        IntegrityError: if it is missing or damaged.

    """
    from lightship.build.basefacts import read_image
    from lightship.plan.basecheck import choose_python

    config = project.config
    found = read_image(base_source(project, machine).pinned(digest), platform, machine)
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


def base_suite(project: Project, machine: Machine) -> str:
    """Name the Debian suite whose packages can join a project's images.

    Raises:
        UsageError: if the base is an image of no Debian release.

    """
    from lightship.build.basefacts import read_image

    config = project.config
    if is_suite(config.base):
        return debian_suite(config.base)
    platform = project.platforms[0]
    facts = read_image(base_source(project, machine).find(platform), platform, machine).facts
    if not facts.debian:
        raise UsageError("the base is no Debian release: no package can join it", where=config.base)
    return facts.debian


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
