"""Which image a person means: a name in the store, a project's folder, a layout, or a registry's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.build.absent import bring, places_of
from lightship.build.machine import Machine
from lightship.errors import UsageError
from lightship.oci.index import Stored, choose_image, open_stored
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Image
from lightship.platform import Platform
from lightship.project.config import PRODUCTION
from lightship.project.detect import read_project
from lightship.project.targets import find_target
from lightship.reference import parse_reference

if TYPE_CHECKING:
    from lightship.registry.wire import Wire

REGISTRY = "docker://"
"""Before a reference, as skopeo writes it: the registry's image is meant, not the store's of that name."""


def find_image(
    text: str,
    variant: str,
    machine: Machine,
    target: str = PRODUCTION,
    platform: Platform | None = None,
) -> tuple[str, LayoutImage]:
    """Find an image as `find_stored` does; of an index, that for `platform`, by default this machine's.

    Layers that the store lacks, since a build took them from a cache without fetching them, are fetched.

    Raises:
        UsageError: as `find_stored` does, or if there is none for the platform.
        LostBlobError: if a layer is not any more where it was.

    """
    name, stored = find_stored(text, variant, machine, target)
    image = choose_image(stored, name, wanted=platform, own=machine.platform)
    bring(image, places_of(stored.descriptor), machine)
    return name, image


def find_stored(text: str, variant: str, machine: Machine, target: str = PRODUCTION) -> tuple[str, Stored]:
    """Find an image or an index by `NAME[:TAG]`, a project's folder, variant and target, or `oci:DIR[:TAG]`.

    Raises:
        UsageError: if there is none (the nearest name is suggested), or no such variant or target.

    """
    check_target(text, target)
    if text.startswith("oci:"):
        return _in_layout(text)
    hint = "build it with `lightship build`, or fetch it with `lightship pull`"
    if Path(text).is_dir():
        hint = "build it with `lightship build`"
        project = read_project(Path(text))
        if not find_target(project, target).is_production:
            hint = f"build it with `lightship build --target {target}`"
        text = image_name(project.config.name, variant or project.config.variant, target)
    name = str(parse_reference(text))
    machine.home.images.create()
    return name, _named(machine.home.images, name, hint=hint)


def find_any(
    text: str,
    variant: str,
    machine: Machine,
    target: str = PRODUCTION,
    platform: Platform | None = None,
    *,
    connect: Callable[[], Wire],
) -> tuple[str, Image]:
    """Find an image as `find_image` does, or else in the registry that its name says.

    With `docker://` before its name it is the registry's, whatever the store has.

    Raises:
        UsageError: as `find_image` does.
        NetworkError: the registry has none, does not let us read it, or cannot be reached.

    """
    check_target(text, target)
    if text.startswith(REGISTRY) or _is_elsewhere(text, machine):
        from lightship.build.remote import open_image

        name = str(parse_reference(text.removeprefix(REGISTRY)))
        return name, open_image(name, machine, connect(), platform)
    return find_image(text, variant, machine, target, platform)


def check_target(text: str, target: str) -> None:
    """Refuse a target where what is named is no project's folder."""
    if not Path(text).is_dir() and target != PRODUCTION:
        raise UsageError(
            "targets are a project's",
            where=text,
            hint="name the project's folder, or leave out --target",
        )


def _is_elsewhere(text: str, machine: Machine) -> bool:
    """Tell whether a name says a registry, and the store does not have it."""
    if text.startswith("oci:") or Path(text).is_dir():
        return False
    reference = parse_reference(text)
    machine.home.images.create()
    return bool(reference.registry) and str(reference) not in machine.home.images.names()


def image_name(name: str, variant: str, target: str) -> str:
    """Give the name under which an image is stored where the user names none."""
    return f"{name}:{variant}" if target == PRODUCTION else f"{name}:{variant}-{target}"


def _in_layout(text: str) -> tuple[str, Stored]:
    path, _, tag = text.removeprefix("oci:").partition(":")
    layout = Layout(Path(path))
    names = layout.names()
    if not tag and len(names) == 1:
        tag = next(iter(names))
    return tag, _named(layout, tag, hint="name one as oci:DIR:NAME")


def _named(layout: Layout, name: str, *, hint: str) -> Stored:
    names = layout.names()
    if name in names:
        return open_stored(layout, names[name])
    import difflib

    near = difflib.get_close_matches(name, names, n=1) if "--target" not in hint else []
    raise UsageError(
        f"there is no image {name!r}",
        where=str(layout.path),
        hint=f"did you mean {near[0]}?" if near else hint,
    )
