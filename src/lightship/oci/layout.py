"""OCI image layouts on disk (image spec, image-layout.md): `oci-layout`, `index.json`, `blobs/`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from lightship.digest import CHUNK, Digest, hex_of, of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.fs.atomic import storage_error, write_bytes
from lightship.oci.model import (
    MEDIA_INDEX,
    MEDIA_MANIFEST,
    REF_NAME,
    Descriptor,
    ImageConfig,
    Index,
    Layer,
    Manifest,
    decode,
    encode,
)


class Layout(Struct, frozen=True):
    """A folder that holds images. Blobs are written once, under their digest; tags are in `index.json`."""

    path: Path

    def create(self) -> None:
        """Make an empty layout, or leave the one that is there.

        Raises:
            StageError: if the folder cannot be made.

        """
        if (self.path / "oci-layout").is_file():
            return
        try:
            self.blobs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, self.path) from error
        with _locked(self.path / "index.json.lock"):  # or another process's first tag could be lost
            if not (self.path / "index.json").is_file():
                write_bytes(self.path / "index.json", encode(_EMPTY))
            write_bytes(self.path / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')

    @property
    def blobs(self) -> Path:
        return self.path / "blobs" / "sha256"

    def blob_path(self, digest: Digest) -> Path:
        return self.blobs / hex_of(digest)

    def has(self, digest: Digest, size: int) -> bool:
        """Tell whether a blob is here whole: its name came by atomic rename, so its size is proof enough."""
        try:
            return self.blob_path(digest).stat().st_size == size
        except OSError:
            return False

    def write(self, media_type: str, data: bytes) -> Descriptor:
        """Store a small document as a blob."""
        descriptor = Descriptor(media_type, of_bytes(data), len(data))
        if not self.has(descriptor.digest, descriptor.size):
            write_bytes(self.blob_path(descriptor.digest), data)
        return descriptor

    def read(self, descriptor: Descriptor) -> bytes:
        """Read a small blob whole, checked.

        Raises:
            IntegrityError: if it is missing or damaged.

        """
        return b"".join(self.chunks(descriptor))

    def chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob, checked when its end is reached.

        Raises:
            IntegrityError: if it is missing or damaged.

        """
        import hashlib

        path = self.blob_path(descriptor.digest)
        state = hashlib.sha256()
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    state.update(chunk)
                    yield chunk
        except FileNotFoundError:
            raise IntegrityError("a blob of the image is missing", where=str(path), hint=_HINT) from None
        if state.hexdigest() != hex_of(descriptor.digest):
            raise IntegrityError("a blob of the image is damaged", where=str(path), hint=_HINT)

    def index(self) -> Index:
        try:
            data = (self.path / "index.json").read_bytes()
        except OSError:
            raise UsageError("this is not an OCI image layout", where=str(self.path)) from None
        return decode(data, Index, where=self.path / "index.json")

    def names(self) -> dict[str, Descriptor]:
        """Every tagged manifest, by its reference."""
        found = self.index().manifests
        return {item.annotations[REF_NAME]: item for item in found if REF_NAME in item.annotations}

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Give a manifest a name; the name moves if it was another's."""
        annotated = Descriptor(
            descriptor.media_type,
            descriptor.digest,
            descriptor.size,
            {**descriptor.annotations, REF_NAME: name},
            descriptor.platform,
        )

        def change(manifests: Iterable[Descriptor]) -> list[Descriptor]:
            return [*(item for item in manifests if item.annotations.get(REF_NAME) != name), annotated]

        self._update(change)

    def refer(self, descriptors: Iterable[Descriptor]) -> None:
        """List manifests that have no name, such as what refers to an image (image spec, image-layout.md)."""
        added = {item.digest: item for item in descriptors}

        def change(manifests: Iterable[Descriptor]) -> list[Descriptor]:
            return [*(item for item in manifests if item.digest not in added), *added.values()]

        self._update(change)

    def untag(self, name: str) -> None:
        self._update(lambda items: [item for item in items if item.annotations.get(REF_NAME) != name])

    def image(self, descriptor: Descriptor) -> LayoutImage:
        if descriptor.media_type != MEDIA_MANIFEST:
            raise UsageError(f"{descriptor.media_type} is not an image manifest", where=str(self.path))
        return LayoutImage(self, descriptor)

    def _update(self, change: Callable[[Iterable[Descriptor]], list[Descriptor]]) -> None:
        with _locked(self.path / "index.json.lock"):
            index = self.index()
            manifests = sorted(change(index.manifests), key=_place)
            if tuple(manifests) != index.manifests:
                write_bytes(self.path / "index.json", encode(Index(2, tuple(manifests), MEDIA_INDEX)))


class LayoutLayer(Struct, frozen=True):
    """A layer whose blob lies in a layout."""

    layout: Layout
    descriptor: Descriptor
    diff_id: Digest

    def chunks(self) -> Iterator[bytes]:
        return self.layout.chunks(self.descriptor)


class LayoutImage(Struct, frozen=True, dict=True):
    """An image of a layout; manifest and configuration are read when asked for, and checked."""

    layout: Layout
    descriptor: Descriptor

    @cached_property
    def manifest(self) -> Manifest:
        return decode(self.layout.read(self.descriptor), Manifest, where=self.layout.path)

    @cached_property
    def config(self) -> ImageConfig:
        return decode(self.config_data, ImageConfig, where=self.layout.path)

    @cached_property
    def config_data(self) -> bytes:
        return self.layout.read(self.manifest.config)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        descriptors, diff_ids = self.manifest.layers, self.config.rootfs.diff_ids
        if len(descriptors) != len(diff_ids):
            raise IntegrityError(
                f"the image has {len(descriptors)} layers, but {len(diff_ids)} diff IDs",
                where=self.descriptor.digest,
                hint=_HINT,
            )
        pairs = zip(descriptors, diff_ids, strict=True)
        return tuple(LayoutLayer(self.layout, descriptor, diff_id) for descriptor, diff_id in pairs)


def _place(item: Descriptor) -> tuple[str, str]:
    return item.annotations.get(REF_NAME, ""), item.digest


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; the kernel frees it when the process dies."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


_EMPTY = Index(2, (), MEDIA_INDEX)
_HINT = "build or fetch the image again"
