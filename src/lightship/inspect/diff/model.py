"""What two images differ in, as one frozen value.

Sizes are bytes; `before` is what the first image has, `after` what the second has.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from lightship.digest import Digest
from lightship.inspect.findings import Basis
from lightship.inspect.report.model import Group


class Side(msgspec.Struct, frozen=True):
    """One of the two images."""

    name: str
    digest: Digest
    platform: str
    unpacked: int
    compressed: int
    layers: int
    files: int
    basis: Basis = Basis.LAYERS


class FieldChange(msgspec.Struct, frozen=True):
    """A field of the manifest or the configuration, None where an image does not have it."""

    field: str
    before: Any
    after: Any


class PartState(msgspec.Struct, frozen=True):
    version: str
    size: int
    files: int


class PartChange(msgspec.Struct, frozen=True):
    """A package or folder that is not the same; None where an image does not have it."""

    id: str
    group: Group
    name: str
    before: PartState | None
    after: PartState | None

    @property
    def growth(self) -> int:
        return (self.after.size if self.after else 0) - (self.before.size if self.before else 0)


class Aspect(StrEnum):
    """What of a path can differ."""

    KIND = "kind"
    CONTENT = "content"
    TARGET = "target"
    MODE = "mode"
    OWNER = "owner"
    TIME = "time"


class PathState(msgspec.Struct, frozen=True):
    """A path as a tar has it; `time` in seconds since 1970, None where it is not known."""

    kind: str
    size: int
    mode: str
    owner: str
    target: str
    time: int | None


class PathChange(msgspec.Struct, frozen=True):
    """A path that is not the same; `aspects` say in what, where both images have it.

    `offset` is the first byte that differs, where the content does and both are here.
    """

    path: str
    before: PathState | None
    after: PathState | None
    aspects: tuple[Aspect, ...] = ()
    offset: int | None = None


class LayerSummary(msgspec.Struct, frozen=True):
    title: str
    digest: Digest
    diff_id: Digest
    media_type: str
    compressed: int
    unpacked: int


class Cause(StrEnum):
    """Why two layers at one place are not the same blob."""

    ABSENT = "absent"
    COMPRESSION = "compression"
    MEMBERS = "members"
    ORDER = "order"
    HEADERS = "headers"


class LayerDifference(msgspec.Struct, frozen=True):
    """The lowest place (from 0) where the layers differ; None for a layer that only the other image has."""

    number: int
    before: LayerSummary | None
    after: LayerSummary | None
    cause: Cause
    members: tuple[PathChange, ...]


class ImageDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two images. `lock` is the lock that both say they were built from, or empty."""

    before: Side
    after: Side
    lock: str
    shared_layers: int
    shared_bytes: int
    configuration: tuple[FieldChange, ...]
    parts: tuple[PartChange, ...]
    paths: tuple[PathChange, ...]
    first: LayerDifference | None

    @property
    def identical(self) -> bool:
        return self.before.digest == self.after.digest
