"""Images in one file: what `docker save` writes, or a layout in a tar (`oci-archive`, as skopeo calls it)."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightship.build.machine import Machine
from lightship.digest import CHUNK
from lightship.errors import IntegrityError, UsageError
from lightship.events import Task
from lightship.fs.atomic import writing_unnamed
from lightship.fs.compress import Sink
from lightship.oci.index import choose_image, open_stored
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import Descriptor
from lightship.oci.saved import read_saved
from lightship.platform import Platform

_PREFIXES = ("docker-archive:", "oci-archive:")
_BLOB = re.compile(r"(?:\./)?blobs/sha256/([0-9a-f]{64})")
_LARGEST_INDEX = 1 << 22
_HINT = "save the image again, uncompressed"


def archive_file(text: str) -> Path | None:
    """Give the file that is meant, by its path alone or behind `docker-archive:`; None where none is."""
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return Path(text.removeprefix(prefix))
    return Path(text) if Path(text).is_file() else None


@contextmanager
def opened_archive(file: Path, machine: Machine, platform: Platform | None) -> Iterator[LayoutImage]:
    """Give the image of an archive of either kind; its blobs lie below the cache while the block runs.

    Raises:
        UsageError: there is no such file, or it has no image for the platform.
        IntegrityError: it is no archive of an image, or damaged.
        StageError: the cache cannot be written.

    """
    if not file.is_file():
        raise UsageError("there is no such file", where=str(file), hint="name what `docker save` wrote")
    cache = machine.home.cache
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="archive-") as folder:
        layout = Layout(Path(folder, "layout"))
        with machine.reporter.task("reading", file.stat().st_size) as task:
            if _is_layout(file):
                _unpack_layout(file, layout, task)
                stored = open_stored(layout, _only(layout, file))
                image = choose_image(stored, file.name, wanted=platform, own=machine.platform)
            else:
                image = read_saved(file, layout, task.advance, compress=False)
                image = choose_image(image, file.name, wanted=platform, own=machine.platform)
        yield image


def _is_layout(file: Path) -> bool:
    """Tell whether it is a layout only: newer archives of Docker are both, and say which image is meant."""
    try:
        with tarfile.open(file, "r:") as archive:
            names = {name.removeprefix("./") for name in archive.getnames()}
    except tarfile.TarError as error:
        raise IntegrityError(f"not an archive: {error}", where=str(file), hint=_HINT) from error
    return "index.json" in names and "manifest.json" not in names


def _unpack_layout(file: Path, layout: Layout, task: Task) -> None:
    """Copy the blobs and the index; digests are checked when they are read."""
    layout.create()
    try:
        with tarfile.open(file, "r:") as archive:
            for member in archive:
                blob, stream = _BLOB.fullmatch(member.name), archive.extractfile(member)
                if blob and stream is not None:
                    with writing_unnamed(layout.blobs) as target:
                        sink = Sink(target.stream)
                        while chunk := stream.read(CHUNK):
                            task.advance(len(chunk))
                            sink.write(chunk)
                        target.name(layout.blob_path(sink.digest))
                elif member.name.removeprefix("./") == "index.json" and stream is not None:
                    (layout.path / "index.json").write_bytes(stream.read(_LARGEST_INDEX))
    except tarfile.TarError as error:
        raise IntegrityError(f"the archive is damaged: {error}", where=str(file), hint=_HINT) from error


def _only(layout: Layout, file: Path) -> Descriptor:
    manifests = layout.index().manifests
    if len(manifests) != 1:
        raise UsageError(
            f"the archive holds {len(manifests)} images", where=str(file), hint="save the one that is meant"
        )
    return manifests[0]
