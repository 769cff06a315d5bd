"""Images that stages are, or take from: named in a layout or in the local store, pinned by digest."""

from __future__ import annotations

from pathlib import Path

from lightship.build.machine import Machine
from lightship.build.store import find_image
from lightship.digest import parse_digest
from lightship.errors import UsageError
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import MEDIA_MANIFEST, Descriptor
from lightship.platform import Platform
from lightship.project.detect import Project
from lightship.reference import parse_reference

_LAYOUT = "oci:"


def find_stage_image(name: str, project: Project, platform: Platform, machine: Machine) -> str:
    """Give the digest of the manifest that an image's name stands for now.

    Raises:
        UsageError: if there is no such image on this machine, or it is of another platform.

    """
    if name.startswith(_LAYOUT):
        folder, _, tag = name.removeprefix(_LAYOUT).partition(":")
        place = f"{_LAYOUT}{project.folder / folder}" + (f":{tag}" if tag else "")
        _, image = find_image(place, "", machine)
    else:
        image = _in_store(name, machine)
    made_for = f"{image.config.os}/{image.config.architecture}"
    if made_for != str(platform):
        raise UsageError(
            f"the image is for {made_for}, not for {platform}", where=name, hint="name one of that platform"
        )
    return image.descriptor.digest


def open_stage_image(name: str, digest: str, project: Project, machine: Machine) -> LayoutImage:
    """Open an image by the digest that the lock pins; its name may stand for another one by now.

    Raises:
        UsageError: if it is not there any more.

    """
    layout, pinned = _layout(name, project, machine), parse_digest(digest)
    try:
        size = layout.blob_path(pinned).stat().st_size
    except OSError:
        raise UsageError(
            "the image that the lock pins is not there any more",
            where=f"{name}@{digest}",
            hint="bring it back, or run `lightship lock --upgrade`",
        ) from None
    return layout.image(Descriptor(MEDIA_MANIFEST, pinned, size))


def is_there(name: str, digest: str, project: Project, machine: Machine) -> bool:
    return _layout(name, project, machine).blob_path(parse_digest(digest)).is_file()


def _layout(name: str, project: Project, machine: Machine) -> Layout:
    if name.startswith(_LAYOUT):
        return Layout(Path(project.folder, name.removeprefix(_LAYOUT).partition(":")[0]))
    return machine.home.images


def _in_store(name: str, machine: Machine) -> LayoutImage:
    full = str(parse_reference(name))
    machine.home.images.create()
    names = machine.home.images.names()
    if full not in names:
        raise UsageError(
            "the local store has no image of this name",
            where=name,
            hint=f"fetch it with `lightship pull {name}`",
        )
    return machine.home.images.image(names[full])
