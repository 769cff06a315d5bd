"""Cases of the distribution specification's "Push": blobs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tests.support.conformance.api import BYTES, Api, Reply, digest_of, noise

SIZE = 3000
CUTS = (0, 1024, 2048, SIZE)


def check(api: Api, done: Reply, data: bytes, digest: str) -> None:
    """A push has ended: where it says that the blob is, it is."""
    assert done.status == 201, done
    assert done.headers.get("Docker-Content-Digest", digest) == digest
    found = api.ask("GET", done.location)
    assert (found.status, found.body) == (200, data)
    assert api.ask("HEAD", f"blobs/{digest}").status == 200


def posted(api: Api, data: bytes, digest: str) -> Reply:
    """In one request; a registry that does not know this opens a session."""
    done = api.ask("POST", f"blobs/uploads/?digest={digest}", data, {"Content-Type": BYTES})
    return api.send("PUT", done.location, data, digest=digest) if done.status == 202 else done


def put(api: Api, data: bytes, digest: str) -> Reply:
    begun = api.begin()
    assert begun.status == 202
    return api.send("PUT", begun.location, data, digest=digest)


def streamed(api: Api, data: bytes, digest: str) -> Reply:
    sent = api.send("PATCH", api.begin().location, data)
    assert sent.status == 202
    return api.send("PUT", sent.location, b"", digest=digest)


def chunked(api: Api, data: bytes, digest: str) -> Reply:
    location = api.begin().location
    for start, end in pairwise(CUTS):
        location = _chunk(api, location, data, start, end)
    return api.send("PUT", location, b"", digest=digest)


def chunked_to_the_end(api: Api, data: bytes, digest: str) -> Reply:
    """The last chunk comes with the request that ends the session."""
    location = api.begin().location
    for start, end in pairwise(CUTS[:-1]):
        location = _chunk(api, location, data, start, end)
    return api.send("PUT", location, data[CUTS[-2] :], start=CUTS[-2], digest=digest)


def _chunk(api: Api, location: str, data: bytes, start: int, end: int) -> str:
    sent = api.send("PATCH", location, data[start:end], start=start)
    assert (sent.status, sent.headers["Range"]) == (202, f"0-{end - 1}")
    return sent.location


WAYS: tuple[Callable[[Api, bytes, str], Reply], ...] = (posted, put, streamed, chunked, chunked_to_the_end)


def every_way_to_send_a_blob_stores_it(api: Api) -> None:
    for way in WAYS:
        data = noise(SIZE, way.__name__)
        check(api, way(api, data, digest_of(data)), data, digest_of(data))


def a_blob_with_another_digest_is_refused(api: Api) -> None:
    for way in WAYS:
        data, digest = noise(SIZE, f"bad {way.__name__}"), digest_of(way.__name__.encode())
        refused = way(api, data, digest)
        assert refused.status == 400
        assert refused.codes() == {"DIGEST_INVALID"}
        for told in (digest, digest_of(data)):
            assert api.ask("HEAD", f"blobs/{told}").status == 404


def what_is_no_digest_is_refused(api: Api) -> None:
    for digest in ("sha256:baddigeststring", "nonsense"):
        assert api.send("PUT", api.begin().location, b"data", digest=digest).status == 400


def another_algorithm_is_known(api: Api) -> None:
    data = noise(SIZE, "sha512")
    digest = digest_of(data, "sha512")
    check(api, put(api, data, digest), data, digest)


def a_chunk_out_of_order_is_refused_and_the_session_goes_on(api: Api) -> None:
    data = noise(SIZE, "out of order")
    location = api.begin().location
    for start, end in pairwise(CUTS):
        assert api.send("PATCH", location, data[100:200], start=start + 100).status == 416
        there = api.ask("GET", location)
        assert there.status == 204
        assert there.headers["Range"] == f"0-{max(start - 1, 0)}"
        location = _chunk(api, there.location, data, start, end)
    done = api.send("PUT", location, b"", digest=digest_of(data))
    check(api, done, data, digest_of(data))


def a_last_chunk_out_of_order_is_refused(api: Api) -> None:
    data = noise(SIZE, "last out of order")
    location = _chunk(api, api.begin().location, data, 0, CUTS[1])
    refused = api.send("PUT", location, data[CUTS[2] :], start=CUTS[2], digest=digest_of(data))
    assert refused.status == 416
    assert api.ask("HEAD", f"blobs/{digest_of(data)}").status == 404


def an_upload_can_be_given_up(api: Api) -> None:
    location = api.begin().location
    assert api.ask("DELETE", location, headers={"Content-Length": "0"}).status == 204
    gone = api.send("PUT", location, b"data", digest=digest_of(b"data"))
    assert gone.status == 404
    assert gone.codes() == {"BLOB_UPLOAD_UNKNOWN"}


def a_blob_of_another_repository_is_mounted(api: Api) -> None:
    data, other = noise(SIZE, "mount"), api.beside("other")
    other.add_blob(data)
    mounted = api.begin(f"?mount={digest_of(data)}&from={other.name}")
    check(api, mounted, data, digest_of(data))


def a_mount_of_what_is_nowhere_opens_a_session(api: Api) -> None:
    data, other = noise(SIZE, "mount nothing"), api.beside("other")
    opened = api.begin(f"?mount={digest_of(data)}&from={other.name}")
    assert opened.status == 202
    check(api, api.send("PUT", opened.location, data, digest=digest_of(data)), data, digest_of(data))


def a_mount_may_leave_out_from_where(api: Api) -> None:
    """A registry may look everywhere; one that does not opens a session."""
    data = noise(SIZE, "mount from anywhere")
    api.beside("other").add_blob(data)
    answered = api.begin(f"?mount={digest_of(data)}")
    if answered.status == 202:
        answered = api.send("PUT", answered.location, data, digest=digest_of(data))
    check(api, answered, data, digest_of(data))


CASES = (
    every_way_to_send_a_blob_stores_it,
    a_blob_with_another_digest_is_refused,
    what_is_no_digest_is_refused,
    another_algorithm_is_known,
    a_chunk_out_of_order_is_refused_and_the_session_goes_on,
    a_last_chunk_out_of_order_is_refused,
    an_upload_can_be_given_up,
    a_blob_of_another_repository_is_mounted,
    a_mount_of_what_is_nowhere_opens_a_session,
    a_mount_may_leave_out_from_where,
)
