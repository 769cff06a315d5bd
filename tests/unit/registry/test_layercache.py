from __future__ import annotations

import json
from typing import Any

import pytest

from lightship.digest import of_bytes, of_value
from lightship.errors import IntegrityError
from lightship.oci.model import MEDIA_LAYER_GZIP, MEDIA_LAYER_ZSTD, MEDIA_MANIFEST, Descriptor
from lightship.oci.record import LayerRecord
from lightship.registry.layercache import (
    EMPTY,
    CachedLayer,
    Entry,
    Facts,
    entry_manifest,
    group_tag,
    layer_tag,
    proof_tag,
    read_entry,
)
from tests.support.registry import Registry
from tests.unit.registry.conftest import Connect

NAME = "team/cache"


def layer(number: int, media_type: str = MEDIA_LAYER_GZIP, *, proven: bool = False) -> CachedLayer:
    blob = Descriptor(media_type, of_bytes(b"%d" % number), number, {"containerd.io/toc": "x"})
    return CachedLayer(of_value(number), LayerRecord(blob, of_value([number]), 10 * number), proven)


def add(registry: Registry, tag: str, entry: Entry) -> dict[str, Any]:
    descriptor, data = entry_manifest(entry)
    registry.add_manifest(NAME, tag, descriptor.media_type, data)
    found: dict[str, Any] = json.loads(data)
    return found


@pytest.mark.parametrize(
    "entry",
    [
        Entry((layer(1),)),
        Entry((layer(1, proven=True), layer(2, MEDIA_LAYER_ZSTD)), Facts(("a note", "ä"), 17)),
        Entry(()),
    ],
)
def test_an_entry_is_read_as_it_was_written(registry: Registry, connect: Connect, entry: Entry) -> None:
    add(registry, "x", entry)
    assert read_entry(connect(), registry.repository(NAME), "x") == entry
    assert [str(asked) for asked in registry.calls("GET", "manifests")] == ["GET /v2/team/cache/manifests/x"]


def test_an_entry_names_its_blobs_so_that_the_registry_keeps_them(registry: Registry) -> None:
    found = add(registry, "x", Entry((layer(1), layer(2))))
    assert [item["digest"] for item in found["layers"]] == [of_bytes(b"1"), of_bytes(b"2")]
    assert found["artifactType"] == "application/vnd.lightship.layer-cache.v1+json"
    assert found["config"] == {"mediaType": EMPTY.media_type, "digest": of_bytes(b"{}"), "size": 2}
    (alone,) = add(registry, "y", Entry(()))["layers"]  # the specification asks for one layer at least
    assert alone["digest"] == EMPTY.digest


def test_what_is_not_there_is_none(registry: Registry, connect: Connect) -> None:
    assert read_entry(connect(), registry.repository(NAME), "x") is None


def test_tags_are_told_apart_and_keep_to_the_specification() -> None:
    key, other = of_value(1), of_value(2)
    tags = {
        layer_tag(key),
        proof_tag(key),
        group_tag([key]),
        group_tag([key, other]),
        group_tag([other, key]),
    }
    assert len(tags) == 5
    assert all(len(tag) <= 128 and ":" not in tag for tag in tags)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("artifactType"),
        lambda found: found.pop("layers"),
        lambda found: found["layers"][0].update(digest="sha256:../../etc/passwd"),
        lambda found: found["layers"][0].update(size=-1),
        lambda found: found["layers"][0].update(mediaType="application/x-sh"),
        lambda found: found["layers"][0].pop("annotations"),
        lambda found: found["layers"][0]["annotations"].update({"io.lightship.layer.diff-id": "md5:1"}),
        lambda found: found["layers"][0]["annotations"].update({"io.lightship.layer.key": "other"}),
        lambda found: found["layers"][0]["annotations"].update({"io.lightship.layer.unpacked": "-1"}),
        lambda found: found["layers"][0]["annotations"].update({"io.lightship.layer.unpacked": "many"}),
        lambda found: found["annotations"].update({"io.lightship.facts": "{}}"}),
        lambda found: found["annotations"].update({"io.lightship.facts": '{"trimmed": "all"}'}),
    ],
)
def test_a_damaged_entry_is_an_error(registry: Registry, connect: Connect, change: Any) -> None:
    found = add(registry, "x", Entry((layer(1),), Facts()))
    change(found)
    registry.add_manifest(NAME, "x", MEDIA_MANIFEST, json.dumps(found).encode())
    with pytest.raises(IntegrityError):
        read_entry(connect(), registry.repository(NAME), "x")


def test_what_others_say_steers_no_terminal(registry: Registry, connect: Connect) -> None:
    add(registry, "x", Entry((layer(1),), Facts(("\x1b[2Jgone\n",), -5)))
    entry = read_entry(connect(), registry.repository(NAME), "x")
    assert entry is not None
    assert entry.facts == Facts(("[2Jgone",), 0)


def test_a_tag_of_an_image_is_no_entry(registry: Registry, connect: Connect) -> None:
    found = add(registry, "x", Entry((layer(1),)))
    found["artifactType"] = "application/vnd.oci.image.config.v1+json"
    registry.add_manifest(NAME, "x", MEDIA_MANIFEST, json.dumps(found).encode())
    with pytest.raises(IntegrityError, match="no entry of a layer cache") as error:
        read_entry(connect(), registry.repository(NAME), "x")
    assert error.value.where.endswith("team/cache:x")
    assert error.value.hint
