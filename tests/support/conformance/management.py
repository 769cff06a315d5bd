"""Cases of the distribution specification's "Content Management": what is removed is gone at once."""

from __future__ import annotations

from tests.support.conformance.api import MANIFEST, Api, described, digest_of, noise
from tests.support.conformance.discovery import listed, referrers

ACCEPT = {"Accept": MANIFEST}


def a_tag_is_removed_and_its_manifest_stays(api: Api) -> None:
    data = api.add_image("1.0")
    assert api.put_manifest("1.1", data).status == 201
    assert api.ask("DELETE", "manifests/1.0").status == 202
    for target, status in (("1.0", 404), ("1.1", 200), (digest_of(data), 200)):
        assert api.ask("GET", f"manifests/{target}", headers=ACCEPT).status == status
    assert listed(api)[0] == ["1.1"]


def a_manifest_is_removed_with_its_tags(api: Api) -> None:
    data = api.add_image("1.0")
    assert api.ask("DELETE", f"manifests/{digest_of(data)}").status == 202
    for target in ("1.0", digest_of(data)):
        assert api.ask("GET", f"manifests/{target}", headers=ACCEPT).status == 404
    again = api.ask("DELETE", f"manifests/{digest_of(data)}")
    assert again.status == 404


def what_referred_to_an_image_is_removed(api: Api) -> None:
    subject = described(MANIFEST, api.add_image("1.0"))
    data = api.add_image("sbom", subject=subject)
    assert len(referrers(api, subject["digest"])) == 1
    assert api.ask("DELETE", f"manifests/{digest_of(data)}").status == 202
    assert referrers(api, subject["digest"]) == []


def a_blob_is_removed_from_its_repository_alone(api: Api) -> None:
    data, other = noise(99, "removed"), api.beside("other")
    for repository in (api, other):
        repository.add_blob(data)
    assert api.ask("DELETE", f"blobs/{digest_of(data)}").status == 202
    assert api.ask("HEAD", f"blobs/{digest_of(data)}").status == 404
    assert other.ask("HEAD", f"blobs/{digest_of(data)}").status == 200
    assert api.ask("DELETE", f"blobs/{digest_of(data)}").status == 404


def nothing_can_be_removed_where_nothing_is(api: Api) -> None:
    for path in (f"manifests/{digest_of(b'nowhere')}", f"blobs/{digest_of(b'nowhere')}"):
        assert api.ask("DELETE", path).status == 404


CASES = (
    a_tag_is_removed_and_its_manifest_stays,
    a_manifest_is_removed_with_its_tags,
    what_referred_to_an_image_is_removed,
    a_blob_is_removed_from_its_repository_alone,
    nothing_can_be_removed_where_nothing_is,
)
