"""What an image was made from: kept beside the store, for whoever asks where it comes from.

Only names and digests are kept. Where an archive was downloaded from, and where the project lay, say nothing
about the image, and may be nobody's business.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

import msgspec

from lightship import __version__
from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.debs.model import LockedDeb
from lightship.digest import Digest, hex_of, of_value
from lightship.plan.model import FilesLayer, Plan
from lightship.plan.stages import ImageOrigin
from lightship.project.detect import Project
from lightship.reference import parse_reference
from lightship.wheels.model import LockedArchive

PYTHON, DEBIAN, IMAGE = "pypi", "deb", "oci"


class Material(msgspec.Struct, frozen=True, order=True):
    """An archive or an image that went into a build; `kind` is a type of package URLs, `sha256` hexadecimal.

    `file` is the archive's name, `architecture` Debian's; both are empty where there is none.
    """

    kind: str
    name: str
    version: str
    sha256: str
    file: str = ""
    architecture: str = ""


class Origin(msgspec.Struct, frozen=True):
    """How an image was asked for, and what it was made from.

    `lock` and `configuration` are digests, `sources` those of the project's files, by what they are.
    `shipped` is what the image holds, `used` what only built it. `builder` is the version of Lightship.
    """

    name: str
    version: str
    variant: str
    target: str
    platform: str
    base: str
    lock: Digest
    configuration: Digest
    sources: dict[str, Digest]
    shipped: tuple[Material, ...]
    used: tuple[Material, ...]
    builder: str


def remember(project: Project, asked: Plan, plan: Plan, image: Digest, home: Home) -> None:
    """Keep what an image was made from, under its manifest's digest."""
    origin, memo = origin_of(project, asked, plan), Memo(home.origins)
    if memo.get(image, Origin) != origin:
        memo.put(image, origin)


def known_origin(image: Digest, home: Home) -> Origin | None:
    """Tell what an image was made from; None of one that was not built here."""
    return Memo(home.origins).get(image, Origin)


def origin_of(project: Project, asked: Plan, plan: Plan) -> Origin:
    """Read from a plan what its image is made from: from what was `asked`, and as it is with all built."""
    return Origin(
        name=plan.name,
        version=project.version,
        variant=plan.variant,
        target=plan.target,
        platform=str(plan.platform),
        base=project.config.base if plan.base is None else "",
        lock=plan.lock,
        configuration=of_value(project.config),
        sources={
            layer.what: of_value(layer.recipe()) for layer in plan.layers if isinstance(layer, FilesLayer)
        },
        shipped=tuple(sorted({*_wheels(plan.wheels), *_debs(plan.debs), *_images(plan)})),
        used=tuple(sorted(set(_used(asked)))),
        builder=__version__,
    )


def _wheels(archives: Iterable[LockedArchive]) -> Iterator[Material]:
    for archive in archives:
        yield Material(PYTHON, archive.name, archive.version, archive.sha256, archive.filename)


def _debs(packages: Iterable[LockedDeb]) -> Iterator[Material]:
    for package in packages:
        file = posixpath.basename(package.path)
        yield Material(DEBIAN, package.name, package.version, package.sha256, file, package.architecture)


def _images(plan: Plan) -> Iterator[Material]:
    if plan.base is not None:
        yield _image(plan.base.reference, plan.base.digest)


def _image(reference: str, digest: Digest) -> Material:
    """Name an image by the last part of its name: its digest counts, not whose registry it is in."""
    is_layout = reference.startswith("oci:")
    name = "layout" if is_layout else posixpath.basename(parse_reference(reference).name)
    return Material(IMAGE, name, digest, hex_of(digest))


def _used(plan: Plan) -> Iterator[Material]:
    builds = (*plan.builds, *(plan.additions.builds if plan.additions else ()))
    for build in builds:
        yield from _wheels((build.sdist, *build.requirements))
    yield from _debs(plan.builder)
    yield from _debs(plan.additions.builder if plan.additions else ())
    for stage in plan.stages:
        yield from _wheels(stage.wheels)
        for take in stage.takes:
            if isinstance(take.origin, ImageOrigin):
                yield _image(take.origin.name, take.origin.digest)
