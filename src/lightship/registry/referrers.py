"""Manifests that refer to another one, such as its attestations (distribution spec, "Listing Referrers").

A registry without that part of the specification has an index of them under a tag, which clients keep.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin

from lightship.digest import Digest, hex_of, of_bytes
from lightship.errors import NetworkError
from lightship.oci.model import MEDIA_INDEX, Descriptor, Index, Manifest, decode, encode
from lightship.registry.address import Repository
from lightship.registry.documents import ACCEPT
from lightship.registry.manifests import put_manifest
from lightship.registry.wire import Call, Wire

_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')  # RFC 8288
_MOST_PAGES = 100


def list_referrers(
    wire: Wire, repository: Repository, subject: Digest, artifact_type: str = ""
) -> tuple[Descriptor, ...]:
    """List what refers to a manifest; only that of one type, where it is given.

    Raises:
        NetworkError: the registry cannot be reached, or does not let us read.
        IntegrityError: it sends no index.

    """
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    path, found = f"referrers/{subject}{query}", list[Descriptor]()
    for _ in range(_MOST_PAGES):
        call = Call(
            method="GET",
            repository=repository,
            path=path,
            headers={"Accept": MEDIA_INDEX},
            accepted=(200, 400, 404, 405),
        )
        answer = wire.read(call)
        if answer.status != 200:
            found += _tagged(wire, repository, subject)
            break
        found += decode(answer.body, Index, where=str(repository)).manifests
        following = _NEXT.search(answer.headers.get("Link", ""))
        if following is None:
            break
        path = urljoin(answer.url, following[1])
    else:
        raise NetworkError(
            "the list of referrers does not end", where=str(repository), hint="ask its operator"
        )
    return tuple(item for item in found if artifact_type in ("", item.artifact_type))


def add_referrer(wire: Wire, repository: Repository, descriptor: Descriptor, manifest: Manifest) -> None:
    """Enter a manifest, which has a subject, in the index that stands for a list the registry does not keep.

    Raises:
        NetworkError: the index cannot be read or written.
        IntegrityError: what is there is no index.

    """
    if manifest.subject is None:
        return
    entry = Descriptor(
        descriptor.media_type,
        descriptor.digest,
        descriptor.size,
        manifest.annotations,
        artifact_type=manifest.artifact_type or manifest.config.media_type,
    )
    known = _tagged(wire, repository, manifest.subject.digest)
    if any(item.digest == entry.digest for item in known):
        return
    data = encode(Index(2, (*known, entry), MEDIA_INDEX))
    described = Descriptor(MEDIA_INDEX, of_bytes(data), len(data))
    put_manifest(wire, repository, _tag(manifest.subject.digest), described, data)


def _tagged(wire: Wire, repository: Repository, subject: Digest) -> tuple[Descriptor, ...]:
    call = Call(
        method="GET",
        repository=repository,
        path=f"manifests/{_tag(subject)}",
        headers={"Accept": ACCEPT},
        accepted=(200, 404),
    )
    answer = wire.read(call)
    if answer.status == 404:
        return ()
    return decode(answer.body, Index, where=f"{repository}:{_tag(subject)}").manifests


def _tag(subject: Digest) -> str:
    """Name the index as the specification does ("Referrers Tag Schema")."""
    return f"sha256-{hex_of(subject)}"
