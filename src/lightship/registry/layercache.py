"""Layers found in a registry by the digest of what they are made from: the entries of a layer cache.

An entry is an artifact (image spec, manifest.md, "Guidelines for Artifact Usage"): a manifest with the empty
configuration, whose layers are the layers themselves, so that the registry keeps them as long as the entry.
What is known of each stands in its descriptor's annotations, so that one request tells all. There is an entry
for each layer, and one for the group of all that come from packages, which tells an image in one request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from lightship.decoders import from_json
from lightship.digest import Digest, hex_of, of_bytes, of_value, parse_digest
from lightship.errors import IntegrityError, LightshipError
from lightship.oci.model import (
    MEDIA_LAYER_GZIP,
    MEDIA_LAYER_ZSTD,
    MEDIA_MANIFEST,
    Descriptor,
    Manifest,
    decode,
    encode,
)
from lightship.oci.record import LayerRecord
from lightship.registry.address import Repository
from lightship.registry.manifests import find_manifest
from lightship.registry.wire import Wire

ARTIFACT = "application/vnd.lightship.layer-cache.v1+json"
EMPTY = Descriptor("application/vnd.oci.empty.v1+json", of_bytes(b"{}"), 2)
"""The empty configuration (image spec, manifest.md, "Guidance for an Empty Descriptor")."""
LAYER, GROUP = "layer-", "group-"
"""What the tags of entries begin with."""

_KEY = "io.lightship.layer.key"
_DIFF_ID = "io.lightship.layer.diff-id"
_UNPACKED = "io.lightship.layer.unpacked"
_PROVEN = "io.lightship.layer.proven"
_FACTS = "io.lightship.facts"
_OWN = (_KEY, _DIFF_ID, _UNPACKED, _PROVEN)
_KINDS = (MEDIA_LAYER_GZIP, MEDIA_LAYER_ZSTD)

Value = TypeVar("Value")


class CachedLayer(msgspec.Struct, frozen=True):
    """A layer by its key; `proven` tells whether its libraries were loaded after they were stripped."""

    key: Digest
    record: LayerRecord
    proven: bool = False


class Facts(msgspec.Struct, frozen=True):
    """What only archives tell of a group of layers: remarks for a person, and bytes that trimming saves."""

    notes: tuple[str, ...] = ()
    trimmed: int = 0


class Entry(msgspec.Struct, frozen=True):
    """What is stored under one tag."""

    layers: tuple[CachedLayer, ...]
    facts: Facts | None = None


def layer_tag(key: Digest) -> str:
    """Name the entry of one layer."""
    return f"{LAYER}{hex_of(key)}"


def group_tag(keys: Sequence[Digest]) -> str:
    """Name the entry of all layers of an image that come from packages, in their order."""
    return f"{GROUP}{hex_of(of_value(list(keys)))}"


def proof_tag(key: Digest) -> str:
    """Name what says that a proof succeeded once: an entry without layers."""
    return f"proof-{hex_of(key)}"


def entry_manifest(entry: Entry) -> tuple[Descriptor, bytes]:
    """Write an entry as a manifest; equal entries are equal bytes."""
    facts = {} if entry.facts is None else {_FACTS: msgspec.json.encode(entry.facts).decode()}
    manifest = Manifest(
        schema_version=2,
        media_type=MEDIA_MANIFEST,
        artifact_type=ARTIFACT,
        config=EMPTY,
        layers=tuple(map(_described, entry.layers)) or (EMPTY,),
        annotations=facts,
    )
    data = encode(manifest)
    return Descriptor(MEDIA_MANIFEST, of_bytes(data), len(data)), data


def read_entry(wire: Wire, repository: Repository, tag: str) -> Entry | None:
    """Read the entry under a tag, if there is one.

    Raises:
        NetworkError: the registry cannot be reached, does not let us read, or has no such repository.
        IntegrityError: what is there is no entry.

    """
    document = find_manifest(wire, repository, tag)
    if document is None:
        return None
    where = f"{repository}:{tag}"
    manifest = decode(document.data, Manifest, where=where)
    if manifest.artifact_type != ARTIFACT:
        raise _damaged("it is no entry of a layer cache", where)
    try:
        layers = tuple(map(_read, (layer for layer in manifest.layers if layer.digest != EMPTY.digest)))
        facts = manifest.annotations.get(_FACTS)
        return Entry(layers, None if facts is None else _printable(from_json(facts, Facts)))
    except (KeyError, ValueError, LightshipError) as error:  # msgspec's errors are ValueErrors
        raise _damaged(str(error), where) from error


def _described(layer: CachedLayer) -> Descriptor:
    record = layer.record
    own = {_KEY: layer.key, _DIFF_ID: record.diff_id, _UNPACKED: str(record.unpacked)}
    proven = {_PROVEN: "true"} if layer.proven else {}
    return replace(record.descriptor, annotations={**record.descriptor.annotations, **own, **proven})


def _read(descriptor: Descriptor) -> CachedLayer:
    said = descriptor.annotations
    if descriptor.media_type not in _KINDS or descriptor.size <= 0 or int(said[_UNPACKED]) < 0:
        raise IntegrityError(f"{descriptor.media_type} of {descriptor.size} bytes is no layer")
    others = {name: value for name, value in said.items() if name not in _OWN}
    plain = Descriptor(descriptor.media_type, parse_digest(descriptor.digest), descriptor.size, others)
    record = LayerRecord(plain, parse_digest(said[_DIFF_ID]), int(said[_UNPACKED]))
    return CachedLayer(parse_digest(said[_KEY]), record, said.get(_PROVEN) == "true")


def _printable(facts: Facts) -> Facts:
    """Leave out of others' words what could steer a terminal."""
    notes = ("".join(filter(str.isprintable, note)) for note in facts.notes)
    return Facts(tuple(notes), max(facts.trimmed, 0))


def _damaged(what: str, where: str) -> IntegrityError:
    return IntegrityError(
        f"the layer cache holds something else under this tag: {what}",
        where=where,
        hint="remove the tag from the registry, or name another cache",
    )
