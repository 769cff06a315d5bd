"""Images as engines save them: the archives of `docker save`, read into a layout.

`manifest.json` says which files of the archive are configuration and layers (Docker image spec v1.2,
"Combined Image JSON + Filesystem Changeset"): in Docker's older archives, in those that are layouts too, in
Podman's and in Buildah's.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from lightship.digest import CHUNK
from lightship.errors import IntegrityError
from lightship.fs.atomic import writing_unnamed
from lightship.fs.compress import Sink, single_gzip
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_LAYER_GZIP,
    MEDIA_LAYER_TAR,
    MEDIA_LAYER_ZSTD,
    MEDIA_MANIFEST,
    Descriptor,
    Manifest,
    encode,
)

_MAGIC = {b"\x1f\x8b": MEDIA_LAYER_GZIP, b"\x28\xb5": MEDIA_LAYER_ZSTD}


class _Saved(msgspec.Struct, frozen=True, rename="pascal"):
    """An item of `manifest.json`: names of the archive's files."""

    config: str
    layers: tuple[str, ...]


def read_saved(file: Path, layout: Layout, advance: Callable[[int], None], *, compress: bool) -> LayoutImage:
    """Read the one image of an archive.

    Args:
        file: the archive.
        layout: where its blobs go; no name is given to the image.
        advance: is told of bytes read.
        compress: whether layers that are plain tars become gzip, as in images that are handed on.

    Raises:
        IntegrityError: if it is no such archive, or is damaged.
        StageError: if the layout cannot be written.

    """
    layout.create()
    try:
        with tarfile.open(file, "r:") as archive:
            (saved,) = msgspec.json.decode(_open(archive, "manifest.json").read(), type=tuple[_Saved])
            config = layout.write(MEDIA_CONFIG, _open(archive, saved.config).read())
            add = _Adding(layout, advance, compress=compress)
            layers = {name: add(_open(archive, name)) for name in dict.fromkeys(saved.layers)}
    except (tarfile.TarError, KeyError, msgspec.DecodeError, ValueError) as error:
        raise IntegrityError(
            f"not an archive of one image: {error}",
            where=str(file),
            hint="save the image again, uncompressed",
        ) from error
    manifest = Manifest(2, config, tuple(layers[name] for name in saved.layers), MEDIA_MANIFEST)
    return layout.image(layout.write(MEDIA_MANIFEST, encode(manifest)))


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = archive.extractfile(name)  # follows links: Docker before 25 links layers that two images share
    if stream is None:
        raise KeyError(name)
    return stream


class _Adding:
    """Copies layers to a layout's blobs."""

    def __init__(self, layout: Layout, advance: Callable[[int], None], *, compress: bool) -> None:
        self._layout = layout
        self._advance = advance
        self._compress = compress

    def __call__(self, stream: IO[bytes]) -> Descriptor:
        media_type = _MAGIC.get(stream.read(2), MEDIA_LAYER_TAR)
        stream.seek(0)
        with writing_unnamed(self._layout.blobs) as blob:
            sink = Sink(blob.stream)
            if self._compress and media_type == MEDIA_LAYER_TAR:
                media_type = MEDIA_LAYER_GZIP
                compressor = single_gzip(sink)
                for chunk in self._chunks(stream):
                    compressor.write(chunk)
                compressor.finish()
            else:
                for chunk in self._chunks(stream):
                    sink.write(chunk)
            blob.name(self._layout.blob_path(sink.digest))
        return Descriptor(media_type, sink.digest, sink.size)

    def _chunks(self, stream: IO[bytes]) -> Iterator[bytes]:
        while chunk := stream.read(CHUNK):
            self._advance(len(chunk))
            yield chunk
