"""Which image a person means: a name in the store, a project's folder, or a layout elsewhere."""

from __future__ import annotations

import difflib
from pathlib import Path

from lightship.build.machine import Machine
from lightship.errors import UsageError
from lightship.oci.layout import Layout, LayoutImage
from lightship.project.detect import read_project
from lightship.reference import parse_reference


def find_image(text: str, variant: str, machine: Machine) -> tuple[str, LayoutImage]:
    """Find an image by `NAME[:TAG]`, by a project's folder and a variant, or by `oci:DIR[:TAG]`.

    Raises:
        UsageError: if there is none (the nearest name is suggested).

    """
    if text.startswith("oci:"):
        return _in_layout(text)
    if Path(text).is_dir():
        project = read_project(Path(text))
        text = f"{project.config.name}:{variant or project.config.variant}"
    name = str(parse_reference(text))
    machine.home.images.create()
    return name, _named(machine.home.images, name, hint="build it with `lightship build`")


def _in_layout(text: str) -> tuple[str, LayoutImage]:
    path, _, tag = text.removeprefix("oci:").partition(":")
    layout = Layout(Path(path))
    names = layout.names()
    if not tag and len(names) == 1:
        tag = next(iter(names))
    return tag, _named(layout, tag, hint="name one as oci:DIR:NAME")


def _named(layout: Layout, name: str, *, hint: str) -> LayoutImage:
    names = layout.names()
    if name in names:
        return layout.image(names[name])
    near = difflib.get_close_matches(name, names, n=1)
    raise UsageError(
        f"there is no image {name!r}",
        where=str(layout.path),
        hint=f"did you mean {near[0]}?" if near else hint,
    )
