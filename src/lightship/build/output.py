"""Images, and indexes of them, handed over: `oci:DIR`, `docker-archive:FILE`, `rootfs:DIR`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.fs.atomic import writing
from lightship.oci.index import Stored, all_blobs, choose_image
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Descriptor
from lightship.platform import platform_of


def write_output(image: Stored, name: str, destination: str, reporter: Reporter) -> Path:
    """Write an image to a destination; `name` is what the image is called there.

    A layout takes an index whole; the other kinds hold one image, that for this machine.

    Raises:
        UsageError: if the destination's kind is not known, its folder is in use, or an index has no image
            for this machine.

    """
    kind, target = _parse(destination)
    if kind == _LAYOUT:
        _oci(image, name, Path(target))
    else:
        one = choose_image(image, name, wanted=None, own=platform_of(os.uname().machine))
        _SINGLE[kind](one, name, Path(target), reporter)
    return Path(target)


def holds_one(destination: str) -> bool:
    """Tell whether a destination holds the image of one platform only.

    Raises:
        UsageError: if its kind is not known.

    """
    return _parse(destination)[0] != _LAYOUT


def is_layout(destination: str) -> bool:
    """Tell whether a destination is an OCI layout; an empty one is nothing."""
    return destination.partition(":")[0] == _LAYOUT


def _parse(destination: str) -> tuple[str, str]:
    kind, _, target = destination.partition(":")
    if kind not in (_LAYOUT, *_SINGLE) or not target:
        kinds = ", ".join((_LAYOUT, *_SINGLE))
        raise UsageError(f"unknown output {destination!r}", hint=f"use {kinds} and a path")
    return kind, target


def _oci(image: Stored, name: str, path: Path) -> None:
    """Copy all to another layout: not by hard links, through which the copy could change the store."""
    layout = Layout(path)
    in_use = not path.is_dir() or (any(path.iterdir()) and not (path / "oci-layout").is_file())
    if path.exists() and in_use:
        raise UsageError("something else is there already", where=str(path), hint="name an empty folder")
    layout.create()
    copy_blobs(image.layout, layout, image.descriptor)
    layout.tag(name, image.descriptor)


def copy_blobs(source: Layout, target: Layout, whole: Descriptor) -> None:
    """Copy a manifest or an index to another layout, with all that it names and that is not there yet.

    Raises:
        IntegrityError: if a blob is missing or damaged.
        StageError: if the layout cannot be written.

    """
    for descriptor in all_blobs(source, whole):
        if not target.has(descriptor.digest, descriptor.size):
            _copy(source, target, descriptor)


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


_LAYOUT = "oci"
_SINGLE: Mapping[str, Callable[[LayoutImage, str, Path, Reporter], None]] = {
    "docker-archive": _docker_archive,
    "rootfs": _rootfs,
}
