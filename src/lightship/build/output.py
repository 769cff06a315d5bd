"""Images handed over: `oci:DIR`, `docker-archive:FILE`, `rootfs:DIR`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.fs.atomic import writing
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Descriptor


def write_output(image: LayoutImage, name: str, destination: str, reporter: Reporter) -> Path:
    """Write an image to a destination; `name` is what the image is called there.

    Raises:
        UsageError: if the destination's kind is not known, or its folder is in use.

    """
    kind, colon, target = destination.partition(":")
    if not colon or kind not in _KINDS or not target:
        raise UsageError(f"unknown output {destination!r}", hint=f"use {', '.join(_KINDS)} and a path")
    path = Path(target)
    _KINDS[kind](image, name, path, reporter)
    return path


def _oci(image: LayoutImage, name: str, path: Path, _reporter: Reporter) -> None:
    """Copy an image to another layout: not by hard links, through which the copy could change the store."""
    layout = Layout(path)
    in_use = not path.is_dir() or (any(path.iterdir()) and not (path / "oci-layout").is_file())
    if path.exists() and in_use:
        raise UsageError("something else is there already", where=str(path), hint="name an empty folder")
    layout.create()
    for descriptor in (*image.manifest.layers, image.manifest.config, image.descriptor):
        if not layout.has(descriptor.digest, descriptor.size):
            _copy(image.layout, layout, descriptor)
    layout.tag(name, image.descriptor)


def _copy(source: Layout, target: Layout, descriptor: Descriptor) -> None:
    """Copy a blob; one that is damaged in the store raises IntegrityError, and gets no name in the target."""
    with writing(target.blob_path(descriptor.digest)) as stream:
        stream.writelines(source.chunks(descriptor))


def _docker_archive(image: LayoutImage, name: str, path: Path, _reporter: Reporter) -> None:
    from lightship.oci.archive import write_docker_archive

    if path.is_dir():
        raise UsageError("this is a folder, not a file", where=str(path), hint="name the archive's file")
    with writing(path) as stream:
        write_docker_archive(image, name, stream)


def _rootfs(image: LayoutImage, _name: str, path: Path, reporter: Reporter) -> None:
    from lightship.oci.unpack import unpack_image

    unpack_image(image, path, reporter=reporter, as_root=os.geteuid() == 0)


_KINDS: Mapping[str, Callable[[LayoutImage, str, Path, Reporter], None]] = {
    "oci": _oci,
    "docker-archive": _docker_archive,
    "rootfs": _rootfs,
}
