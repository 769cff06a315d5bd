"""Whether an image keeps the rules of the OCI image specification: all is read again, nothing is believed."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from lightship.digest import Digest
from lightship.errors import IntegrityError, LightshipError
from lightship.fs.decompress import decompress
from lightship.fs.entries import Kind
from lightship.fs.untar import Member, read_tar
from lightship.oci.layout import Layout
from lightship.oci.model import (
    MEDIA_CONFIG,
    MEDIA_INDEX,
    MEDIA_MANIFEST,
    REF_NAME,
    Descriptor,
    Image,
    ImageConfig,
    Index,
    Layer,
    Manifest,
    decode,
)
from lightship.oci.overlay import Overlay
from lightship.platform import Platform, parse_platform

MOST_LAYERS = 127
"""Overlay file systems mount no more (Docker, containerd: `maxLayers`)."""

_LAYER = re.compile(r"application/vnd\.oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")  # RFC 3339, section 5.6
_PORT = re.compile(r"\d+(?:-\d+)?(?:/(?:tcp|udp|sctp))?")


def validate(image: Image) -> None:
    """Read an image whole and check it.

    Raises:
        IntegrityError: if `problems` finds any; its detail holds one a line.

    """
    if found := problems(image):
        raise IntegrityError(
            f"the image breaks the OCI specification in {len(found)} place{'s' if len(found) > 1 else ''}",
            where=image.descriptor.digest,
            hint="build or fetch the image again",
            detail="\n".join(found),
        )


def problems(image: Image) -> list[str]:
    """List what is wrong with an image: its documents, its blobs' digests and sizes, and every tar entry."""
    try:
        manifest, config = image.manifest, image.config
    except LightshipError as error:
        return [f"manifest or configuration: {error}"]
    found = [*_manifest(manifest, image.descriptor), *_config(config), *_counts(manifest, config)]
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        return found
    tree = Overlay[Member]()
    for number, layer in enumerate(image.layers):
        if number:
            tree.next_layer()
        found += (f"layer {number}: {problem}" for problem in _layer(layer, tree))
    return found


def layout_problems(layout: Layout) -> list[str]:
    """List what is wrong with a layout: its index, and every image in it."""
    try:
        index = layout.index()
    except LightshipError as error:
        return [str(error)]
    names = Counter(item.annotations[REF_NAME] for item in index.manifests if REF_NAME in item.annotations)
    shared = [name for name, count in names.items() if count > 1]
    return [*(f"index: two images are named {name!r}" for name in shared), *_index(layout, index)]


def _index(layout: Layout, index: Index) -> Iterator[str]:
    if index.schema_version != 2 or index.media_type not in ("", MEDIA_INDEX):
        yield f"index: schemaVersion {index.schema_version}, mediaType {index.media_type!r}"
    for item in {item.digest: item for item in index.manifests}.values():
        if item.media_type == MEDIA_INDEX:
            yield from _nested(layout, item)
        elif item.media_type == MEDIA_MANIFEST and item.artifact_type:
            yield from (f"{item.digest}: {problem}" for problem in _artifact(layout, item))
        elif item.media_type == MEDIA_MANIFEST:
            yield from (f"{item.digest}: {problem}" for problem in _listed_image(layout, item))
        else:
            yield f"{item.digest}: {item.media_type!r} is neither a manifest nor an index"


def _nested(layout: Layout, item: Descriptor) -> Iterator[str]:
    try:
        inner = decode(layout.read(item), Index, where=layout.path)
    except LightshipError as error:
        yield f"{item.digest}: {error}"
        return
    yield from (f"{item.digest}: {it.digest} has no platform" for it in inner.manifests if not it.platform)
    yield from _index(layout, inner)


def _listed_image(layout: Layout, item: Descriptor) -> Iterator[str]:
    image = layout.image(item)
    found = problems(image)
    yield from found
    if found:
        return
    for document in (item, image.manifest.config):
        if not layout.has(document.digest, document.size):
            yield f"{document.digest} is not of {document.size} bytes"
    if item.platform is not None:
        listed, own = Platform(item.platform.architecture, item.platform.os), image.config.platform
        if listed != own:
            yield f"the index lists it for {listed}, its configuration is for {own}"


def _artifact(layout: Layout, item: Descriptor) -> Iterator[str]:
    """Read an artifact whole (image spec, manifest.md, "Guidelines for Artifact Usage")."""
    try:
        manifest = layout.image(item).manifest
        for blob in (manifest.config, *manifest.layers):
            layout.read(blob)
    except LightshipError as error:
        yield str(error)
        return
    own = manifest.artifact_type or manifest.config.media_type
    if own != item.artifact_type:
        yield f"the index lists it as {item.artifact_type!r}, it is {own!r}"
    if not manifest.layers:
        yield "manifest: an artifact has at least one layer"


def _manifest(manifest: Manifest, descriptor: Descriptor) -> Iterator[str]:
    """Apply image spec, manifest.md."""
    if manifest.schema_version != 2:
        yield f"manifest: schemaVersion is {manifest.schema_version}, not 2"
    if manifest.media_type not in ("", MEDIA_MANIFEST) or descriptor.media_type != MEDIA_MANIFEST:
        yield f"manifest: mediaType is {manifest.media_type!r}, listed as {descriptor.media_type!r}"
    if manifest.config.media_type != MEDIA_CONFIG:
        yield f"manifest: the configuration's mediaType is {manifest.config.media_type!r}"
    for number, layer in enumerate(manifest.layers):
        if not _LAYER.fullmatch(layer.media_type):
            yield f"layer {number}: mediaType is {layer.media_type!r}"
    if not 1 <= len(manifest.layers) <= MOST_LAYERS:
        yield f"manifest: {len(manifest.layers)} layers; an image has 1 to {MOST_LAYERS}"


def _config(config: ImageConfig) -> Iterator[str]:
    """Apply image spec, config.md."""
    try:
        parse_platform(f"{config.os}/{config.architecture}")
    except LightshipError as error:
        yield f"configuration: {error}"
    if config.rootfs.type != "layers":
        yield f"configuration: rootfs.type is {config.rootfs.type!r}, not 'layers'"
    for moment in (config.created, *(step.created for step in config.history)):
        if moment and not _TIME.fullmatch(moment):
            yield f"configuration: {moment!r} is not a time of RFC 3339"
    names = Counter(item.partition("=")[0] for item in config.config.env)
    for name, count in names.items():
        if not name or count > 1:
            yield f"configuration: Env sets {name!r} {count} times"
    yield from (
        f"configuration: Env has {item!r} without '='" for item in config.config.env if "=" not in item
    )
    for port in config.config.exposed_ports:
        if not _PORT.fullmatch(port):
            yield f"configuration: {port!r} is not a port"
    if config.config.working_dir and not config.config.working_dir.startswith("/"):
        yield f"configuration: WorkingDir {config.config.working_dir!r} is relative"


def _counts(manifest: Manifest, config: ImageConfig) -> Iterator[str]:
    layers = len(manifest.layers)
    if len(config.rootfs.diff_ids) != layers:
        yield f"{layers} layers, but {len(config.rootfs.diff_ids)} diff IDs"
    filled = sum(not step.empty_layer for step in config.history)
    if config.history and filled != layers:
        yield f"{layers} layers, but {filled} steps of history that made one"


def _layer(layer: Layer, tree: Overlay[Member]) -> Iterator[str]:
    """Hash a blob and the tar in it, and look at every entry."""
    blob, tar = _Meter(), _Meter()
    where, size = layer.descriptor.digest, layer.descriptor.size
    try:
        plain = decompress(blob.watch(layer.chunks()), layer.descriptor.media_type, archive=where)
        yield from _entries(read_tar(tar.watch(plain), archive=where), tree)
    except LightshipError as error:
        yield str(error)
        return
    if (blob.digest, blob.size) != (where, size):
        yield f"the blob is {blob.digest} of {blob.size} bytes, the manifest says {where} of {size}"
    if tar.digest != layer.diff_id:
        yield f"the tar's digest is {tar.digest}, the configuration says {layer.diff_id}"
    if tar.size % 512 or tar.tail.strip(b"\0") or len(tar.tail) < 1024:
        yield "the tar does not end with two blocks of zeros"  # POSIX.1-2017, pax, "ustar Interchange Format"


def _entries(members: Iterable[Member], tree: Overlay[Member]) -> Iterator[str]:
    """Look at the entries of one layer (image spec, layer.md), on top of the layers below."""
    seen: set[str] = set()
    for member in members:
        if member.path in seen:
            yield f"{member.path!r} is there twice"
        seen.add(member.path)
        placement = tree.place(member.path, member.kind, member.target, member)
        if placement.created:
            yield f"{member.path!r} comes before its directory {placement.created[0]!r}"
        if placement.path and placement.path != member.path:
            yield f"{member.path!r} goes through a symlink to {placement.path!r}"
        if member.kind is Kind.DIRECTORY and member.mode & 0o500 != 0o500:
            yield f"{member.path!r} is a directory of mode {member.mode:o}, closed to its owner"


class _Meter:
    """Digest, size and last 1024 bytes of what passes."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self.size = 0
        self.tail = b""

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._state.update(chunk)
            self.size += len(chunk)
            self.tail = (self.tail + chunk[-1024:])[-1024:]
            yield chunk

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self._state.hexdigest()}")
