"""Cases of the distribution specification's "Push": manifests, and indexes of them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.conformance.api import (
    CONFIG,
    EMPTY,
    INDEX,
    LAYER,
    MANIFEST,
    Api,
    described,
    digest_of,
    encoded,
    index_of,
    noise,
)


def check(api: Api, document: object, target: str = "") -> dict[str, Any]:
    """A registry takes a document, and gives it back to the byte; give its descriptor."""
    data = encoded(document)
    media_type = json.loads(data)["mediaType"]
    stored = api.put_manifest(target or digest_of(data), data)
    assert stored.status == 201, stored.body
    assert stored.headers.get("Docker-Content-Digest") == digest_of(data)
    for url in (stored.location, f"manifests/{digest_of(data)}"):
        found = api.ask("GET", url, headers={"Accept": f"{MANIFEST}, {INDEX}"})
        assert (found.status, found.body) == (200, data)
        assert found.headers["Content-Type"] == media_type
    return described(media_type, data)


def an_image_is_stored_by_tag_and_by_digest(api: Api) -> None:
    check(api, api.image("by tag"), "1.0")
    check(api, api.image("by digest"))


def another_algorithm_is_known_for_manifests(api: Api) -> None:
    data = encoded(api.image("sha512"))
    digest = digest_of(data, "sha512")
    assert api.put_manifest(digest, data).status == 201
    assert api.ask("GET", f"manifests/{digest}", headers={"Accept": MANIFEST}).body == data


def a_tag_moves(api: Api) -> None:
    old, new = api.add_image("1.0"), encoded(api.image("other"))
    assert api.put_manifest("1.0", new).status == 201
    for target, data in (("1.0", new), (digest_of(old), old)):
        assert api.ask("GET", f"manifests/{target}", headers={"Accept": MANIFEST}).body == data


def a_large_manifest_is_taken(api: Api) -> None:
    """Registries should take 4 MB."""
    annotations = {f"large-{number}": "A" * 10_000 for number in range(390)}
    check(api, api.image("large", annotations=annotations), "large")


def an_image_without_layers_is_taken(api: Api) -> None:
    check(api, api.image("no layers", layers=[]), "1")


def fields_that_nobody_knows_stay(api: Api) -> None:
    check(api, api.image("custom", **{"org.example.custom": {"a": [1, 2]}}), "1")


def data_in_a_descriptor_stays(api: Api) -> None:
    config = b"{}"
    api.add_blob(config)
    check(api, api.image("data", config={**described(CONFIG, config), "data": "e30="}), "1")


def an_artifact_is_taken(api: Api) -> None:
    api.add_blob(b"{}")
    empty = described(EMPTY, b"{}")
    kind = "application/vnd.example.thing"
    check(api, api.image("artifact", artifactType=kind, config=empty), "1")
    check(api, api.image("bare", artifactType=kind, config=empty, layers=[empty]), "2")


def layers_that_lie_elsewhere_need_not_be_there(api: Api) -> None:
    """Non-distributable layers: image specification, layer.md."""
    far = described("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", noise(99, "far"))
    far["urls"] = ["https://store.example.com/far"]
    image = api.image("elsewhere")
    check(api, {**image, "layers": [far, *image["layers"]]}, "1")


def an_index_and_an_index_of_indexes_are_taken(api: Api) -> None:
    children = [
        {**check(api, api.image(name)), "platform": {"os": "linux", "architecture": name}}
        for name in ("amd64", "arm64")
    ]
    inner = check(api, index_of(*children), "inner")
    check(api, index_of(inner, artifactType="application/vnd.example.set"), "outer")


def an_image_whose_blobs_are_missing_is_refused(api: Api) -> None:
    """A registry may take it, but if it does not, it must say why in these words."""
    image = api.image("missing")
    for field in ({"layers": [described(LAYER, b"nowhere")]}, {"config": described(CONFIG, b"nowhere")}):
        refused = api.put_manifest("1", {**image, **field})
        assert 400 <= refused.status < 500
        assert refused.codes() == {"MANIFEST_BLOB_UNKNOWN"}
    assert api.ask("GET", "manifests/1", headers={"Accept": MANIFEST}).status == 404


def a_manifest_with_another_digest_is_refused(api: Api) -> None:
    data = encoded(api.image("other digest"))
    refused = api.put_manifest(digest_of(b"another"), data)
    assert refused.status == 400
    assert refused.codes() == {"DIGEST_INVALID"}


def what_is_no_manifest_is_refused(api: Api) -> None:
    for data in (b"{", b"[]", b'{"schemaVersion": 2}'):
        refused = api.ask("PUT", "manifests/1", data, {"Content-Type": MANIFEST})
        assert refused.status == 400
        assert refused.codes() == {"MANIFEST_INVALID"}


CASES = (
    an_image_is_stored_by_tag_and_by_digest,
    another_algorithm_is_known_for_manifests,
    a_tag_moves,
    a_large_manifest_is_taken,
    an_image_without_layers_is_taken,
    fields_that_nobody_knows_stay,
    data_in_a_descriptor_stays,
    an_artifact_is_taken,
    layers_that_lie_elsewhere_need_not_be_there,
    an_index_and_an_index_of_indexes_are_taken,
    an_image_whose_blobs_are_missing_is_refused,
    a_manifest_with_another_digest_is_refused,
    what_is_no_manifest_is_refused,
)
