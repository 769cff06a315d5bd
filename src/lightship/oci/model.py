"""The documents of the OCI image specification, as typed frozen values.

Field names and their meaning are the specification's (descriptor.md, manifest.md, config.md, image-index.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from lightship.decoders import from_builtins
from lightship.digest import Digest, canonical_json
from lightship.errors import IntegrityError
from lightship.platform import Platform

MEDIA_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
MEDIA_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
MEDIA_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
REF_NAME = "org.opencontainers.image.ref.name"


class PlatformField(msgspec.Struct, frozen=True):
    architecture: str
    os: str


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A reference to a blob: its media type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: int
    annotations: dict[str, str] = {}
    platform: PlatformField | None = None
    artifact_type: str = ""


class Index(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    schema_version: int
    manifests: tuple[Descriptor, ...]
    media_type: str = ""
    annotations: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    schema_version: int
    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = ""
    annotations: dict[str, str] = {}
    artifact_type: str = ""
    subject: Descriptor | None = None


class Healthcheck(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """Docker's extension of the image configuration; times are in nanoseconds."""

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0


class Execution(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """The `config` object of an image configuration: how a container is started."""

    user: str = ""
    exposed_ports: dict[str, dict[str, str]] = {}
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    labels: dict[str, str] = {}
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        return self.entrypoint + self.cmd

    @property
    def environment(self) -> dict[str, str]:
        return dict(item.partition("=")[::2] for item in self.env)


class RootFs(msgspec.Struct, frozen=True):
    diff_ids: tuple[Digest, ...]
    type: str = "layers"


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    created: str = ""
    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image configuration: platform, execution defaults, diff IDs, history."""

    architecture: str
    os: str
    rootfs: RootFs
    created: str = ""
    config: Execution = msgspec.field(default_factory=Execution)
    history: tuple[History, ...] = ()

    @property
    def platform(self) -> Platform:
        return Platform(self.architecture, self.os)


class Layer(Protocol):
    """One layer of an image."""

    @property
    def descriptor(self) -> Descriptor:
        """Media type, digest and size of the compressed blob."""

    @property
    def diff_id(self) -> Digest:
        """Digest of the uncompressed tar."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the compressed blob; raises IntegrityError at its end if its digest or size is wrong."""


class Image(Protocol):
    """A manifest, its configuration and its layers, bottom first."""

    @property
    def descriptor(self) -> Descriptor: ...

    @property
    def manifest(self) -> Manifest: ...

    @property
    def config(self) -> ImageConfig: ...

    @property
    def config_data(self) -> bytes:
        """The configuration's document as it is, with fields that Lightship does not know."""

    @property
    def layers(self) -> tuple[Layer, ...]: ...


Document = TypeVar("Document", Index, Manifest, ImageConfig)


def encode(document: Index | Manifest | ImageConfig) -> bytes:
    """Serialise so that equal documents are equal bytes, and so have one digest."""
    return canonical_json(document)


def decode(data: bytes, kind: type[Document], *, where: str | Path) -> Document:
    """Read a document.

    Raises:
        IntegrityError: if it is not what the specification says.

    """
    try:
        return from_builtins(_without_nulls(msgspec.json.decode(data)), kind)
    except msgspec.DecodeError as error:
        raise IntegrityError(
            f"not an OCI {kind.__name__.lower()}: {error}", where=str(where), hint="the image is damaged"
        ) from error


def _without_nulls(value: Any) -> Any:
    """Drop null fields: Go writes them for empty ones, and the schemas allow that (config-schema.json)."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
