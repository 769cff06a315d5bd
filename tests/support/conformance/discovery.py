"""Cases of the distribution specification's "Content Discovery": tags, and what refers to an image."""

from __future__ import annotations

import re
from typing import Any

from tests.support.conformance.api import CONFIG, EMPTY, INDEX, MANIFEST, Api, described, digest_of, index_of

TAGS = ("1.0", "1.1", "2.0", "latest")
SBOM = "application/vnd.example.sbom"
NOTES = {"org.example.note": "made for a test"}


def listed(api: Api, path: str = "tags/list") -> tuple[list[str], str]:
    """Give tags, and where the next ones are."""
    found = api.ask("GET", path)
    assert found.status == 200
    assert found.json()["name"] == api.name
    return found.json()["tags"] or [], found.headers.get("Link", "")


def no_tags_are_an_empty_list_or_no_repository(api: Api) -> None:
    found = api.ask("GET", "tags/list")
    assert found.status == 404 or not found.json()["tags"]


def tags_are_listed_in_order(api: Api) -> None:
    for tag in reversed(TAGS):
        api.add_image(tag)
    assert listed(api) == (list(TAGS), "")


def tags_are_listed_in_parts(api: Api) -> None:
    for tag in TAGS:
        api.add_image(tag)
    assert listed(api, "tags/list?last=1.1")[0] == ["2.0", "latest"]
    assert listed(api, "tags/list?n=2&last=1.0")[0] == ["1.1", "2.0"]
    assert listed(api, "tags/list?n=0") == ([], "")
    first, link = listed(api, "tags/list?n=3")
    match = re.fullmatch(r'<(.+)>; *rel="next"', link)
    assert match is not None
    assert first == ["1.0", "1.1", "2.0"]
    assert listed(api, match[1])[0] == ["latest"]


def referrers(api: Api, digest: str, query: str = "") -> list[dict[str, Any]]:
    found = api.ask("GET", f"referrers/{digest}{query}")
    assert found.status == 200
    assert found.headers["Content-Type"] == INDEX
    document = found.json()
    assert (document["schemaVersion"], document["mediaType"]) == (2, INDEX)
    manifests: list[dict[str, Any]] = document["manifests"]
    return manifests


def nothing_refers_to_what_is_not_there(api: Api) -> None:
    api.add_image("1.0")
    assert referrers(api, digest_of(b"nobody has this")) == []


def what_is_no_digest_has_no_referrers(api: Api) -> None:
    assert api.ask("GET", "referrers/sha256:baddigeststring").status == 400


def what_refers_to_an_image_is_listed(api: Api) -> None:
    """With its artifact type, else its configuration's, and its annotations; an index counts, too."""
    subject = described(MANIFEST, api.add_image("1.0"))
    api.add_blob(b"{}")
    empty = described(EMPTY, b"{}")
    expected: list[dict[str, Any]] = []
    for document, kind in (
        (api.image("plain", subject=subject), {"artifactType": CONFIG}),
        (
            api.image("sbom", subject=subject, artifactType=SBOM, config=empty, annotations=NOTES),
            {"artifactType": SBOM, "annotations": NOTES},
        ),
        (index_of(subject=subject, artifactType=SBOM), {"artifactType": SBOM}),
        (index_of(subject=subject, annotations=NOTES), {"annotations": NOTES}),
    ):
        stored = api.put_manifest(f"t{len(expected)}", document)
        assert stored.status == 201
        assert stored.headers["OCI-Subject"] == subject["digest"]
        found = api.ask("GET", stored.location).body
        expected.append(described(document["mediaType"], found, **kind))

    def ordered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(items, key=lambda item: str(item["digest"]))

    assert ordered(referrers(api, subject["digest"])) == ordered(expected)
    some = api.ask("GET", f"referrers/{subject['digest']}?artifactType={SBOM}")
    assert some.headers["OCI-Filters-Applied"] == "artifactType"
    assert {item["artifactType"] for item in some.json()["manifests"]} == {SBOM}
    assert len(some.json()["manifests"]) == 2


def a_subject_may_come_later(api: Api) -> None:
    subject = described(MANIFEST, b"not there yet")
    data = api.add_image("early", subject=subject)
    assert [item["digest"] for item in referrers(api, subject["digest"])] == [digest_of(data)]


CASES = (
    no_tags_are_an_empty_list_or_no_repository,
    tags_are_listed_in_order,
    tags_are_listed_in_parts,
    nothing_refers_to_what_is_not_there,
    what_is_no_digest_has_no_referrers,
    what_refers_to_an_image_is_listed,
    a_subject_may_come_later,
)
