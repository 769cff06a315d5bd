"""Cases of the distribution specification's "Pull"."""

from __future__ import annotations

from tests.support.conformance.api import MANIFEST, Api, digest_of, encoded, noise

NOWHERE = digest_of(b"nobody has this")
ACCEPT = {"Accept": MANIFEST}


def it_speaks_the_protocol(api: Api) -> None:
    assert api.ask("GET", "/v2/").status == 200


def what_is_not_there_is_not_found(api: Api) -> None:
    """In a repository that there is not, and in one that there is."""
    for _ in range(2):
        for path in ("manifests/absent", f"manifests/{NOWHERE}", f"blobs/{NOWHERE}"):
            found = api.ask("GET", path)
            assert found.status == 404
            assert found.codes() <= {"NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"}
            head = api.ask("HEAD", path)
            assert (head.status, head.body) == (404, b"")
        api.add_image("1")


def a_blob_is_read_whole(api: Api) -> None:
    for data in (noise(512, "whole"), b"", b"{}"):
        digest = api.add_blob(data)
        whole = api.ask("GET", f"blobs/{digest}")
        assert (whole.status, whole.body, whole.length) == (200, data, len(data))
        head = api.ask("HEAD", f"blobs/{digest}")
        assert (head.status, head.body, head.length) == (200, b"", len(data))
        for reply in (whole, head):
            assert reply.headers.get("Docker-Content-Digest") == digest


def a_blob_is_read_in_part(api: Api) -> None:
    data = noise(2048, "part")
    digest = api.add_blob(data)
    for asked, first, end in (("500-1499", 500, 1500), ("500-", 500, 2048), ("2000-5000", 2000, 2048)):
        part = api.ask("GET", f"blobs/{digest}", headers={"Range": f"bytes={asked}"})
        assert (part.status, part.body, part.length) == (206, data[first:end], end - first)
        assert part.headers["Content-Range"] == f"bytes {first}-{end - 1}/2048"
    last = api.ask("GET", f"blobs/{digest}", headers={"Range": "bytes=-500"})
    assert (last.status, last.body) == (206, data[-500:])
    assert last.headers["Content-Range"] == "bytes 1548-2047/2048"


def parts_that_are_not_there_are_refused(api: Api) -> None:
    digest = api.add_blob(noise(2048, "no part"))
    for asked in ("500-0", "5000-10000"):
        assert api.ask("GET", f"blobs/{digest}", headers={"Range": f"bytes={asked}"}).status == 416


def a_manifest_is_read_by_tag_and_by_digest(api: Api) -> None:
    data = api.add_image("1.0")
    for target in ("1.0", digest_of(data)):
        whole = api.ask("GET", f"manifests/{target}", headers=ACCEPT)
        assert (whole.status, whole.body, whole.length) == (200, data, len(data))
        head = api.ask("HEAD", f"manifests/{target}", headers=ACCEPT)
        assert (head.status, head.body, head.length) == (200, b"", len(data))
        for reply in (whole, head):
            assert reply.headers["Content-Type"] == MANIFEST
            assert reply.headers["Docker-Content-Digest"] == digest_of(data)


def what_is_no_digest_names_nothing(api: Api) -> None:
    data = encoded(api.image("no digest"))
    assert api.put_manifest("sha256:baddigeststring", data).status in (400, 404)
    assert api.ask("GET", "manifests/sha256:baddigeststring", headers=ACCEPT).status in (400, 404)


CASES = (
    it_speaks_the_protocol,
    what_is_not_there_is_not_found,
    a_blob_is_read_whole,
    a_blob_is_read_in_part,
    parts_that_are_not_there_are_refused,
    a_manifest_is_read_by_tag_and_by_digest,
    what_is_no_digest_names_nothing,
)
