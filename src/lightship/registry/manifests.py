"""Manifests and indexes in a repository (distribution spec, "Pulling Manifests", "Pushing Manifests")."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec

from lightship.decoders import from_json
from lightship.digest import Digest, of_bytes
from lightship.errors import IntegrityError, NetworkError
from lightship.oci.model import Descriptor
from lightship.registry.address import Repository
from lightship.registry.answers import has_code, missing
from lightship.registry.documents import ACCEPT, Document, read_document
from lightship.registry.exchange import Answer
from lightship.registry.wire import Call, Wire

_DIGEST = "Docker-Content-Digest"


class UnknownBlobError(NetworkError):
    """A registry refuses a manifest for a blob that it said it had."""


class _Tags(msgspec.Struct, frozen=True):
    tags: tuple[str, ...] | None = None


def get_manifest(wire: Wire, repository: Repository, target: str) -> Document:
    """Read the manifest or index that a tag or a digest names.

    Raises:
        NetworkError: there is none, or it cannot be read.
        IntegrityError: the registry sent another one.
        UsageError: it is not an image's.

    """
    answer = wire.read(_reading("GET", repository, target))
    if answer.status == 404:
        raise _missing(wire, repository, target, answer)
    return _document(answer, repository, target)


def find_manifest(wire: Wire, repository: Repository, target: str) -> Document | None:
    """Read what a tag or a digest names, if the repository has it.

    Raises:
        NetworkError: there is no such repository, or it cannot be read.
        IntegrityError: the registry sent another one.
        UsageError: it is no manifest that Lightship knows.

    """
    answer = wire.read(_reading("GET", repository, target))
    if answer.status == 404 and has_code(answer, "NAME_UNKNOWN"):
        raise missing(_named(target), repository, answer)
    return _document(answer, repository, target) if answer.status == 200 else None


def _document(answer: Answer, repository: Repository, target: str) -> Document:
    # For a tag, the server's own word counts.
    wanted = target if ":" in target else answer.headers.get(_DIGEST, "")
    where = f"{repository}{'@' if ':' in target else ':'}{target}"
    if wanted.startswith("sha256:") and of_bytes(answer.body) != wanted:
        raise IntegrityError(
            f"the registry sent a manifest with the digest {of_bytes(answer.body)}, not {wanted}",
            where=where,
            hint="it was damaged on its way, or in the registry: try again, then push the image again",
        )
    return read_document(answer.body, answer.headers.get("Content-Type", ""), where=where)


def head_manifest(wire: Wire, repository: Repository, target: str, *, writes: bool = False) -> Digest | None:
    """Ask for the digest of what a tag or a digest names; None where there is nothing, or nothing is said."""
    answer = wire.read(_reading("HEAD", repository, target, writes=writes))
    said = answer.headers.get(_DIGEST, "") if answer.status == 200 else ""
    return Digest(said) or None


def put_manifest(
    wire: Wire, repository: Repository, target: str, descriptor: Descriptor, data: bytes
) -> bool:
    """Write a manifest or an index under a tag, or under its digest.

    Returns whether the registry has noticed what the manifest refers to (`subject`).

    Raises:
        UnknownBlobError: the registry does not have what the manifest names.
        NetworkError: not allowed, or it failed.
        IntegrityError: the registry stored something else.

    """

    def body() -> Iterator[bytes]:
        yield data

    call = Call(
        method="PUT",
        repository=repository,
        path=f"manifests/{target}",
        headers={"Content-Type": descriptor.media_type},
        body=body,
        size=len(data),
        accepted=(200, 201, 202, 400, 404),
        slow=True,
        writes=True,
    )
    answer = wire.read(call)
    if answer.status in (400, 404):
        raise _refused(f"{repository}:{target}", answer, wire.error(call, answer))
    said = answer.headers.get(_DIGEST, "")
    if said.startswith("sha256:") and said != descriptor.digest:
        raise IntegrityError(
            f"the registry stored a manifest with the digest {said}, not {descriptor.digest}",
            where=f"{repository}:{target}",
            hint="what lies between here and there changes what is sent: push again, or ask the operator",
        )
    return "OCI-Subject" in answer.headers


def _reading(method: str, repository: Repository, target: str, *, writes: bool = False) -> Call:
    return Call(
        method=method,
        repository=repository,
        path=f"manifests/{target}",
        headers={"Accept": ACCEPT},
        accepted=(200, 404),
        writes=writes,
    )


def _refused(where: str, answer: Answer, error: NetworkError) -> NetworkError:
    if not has_code(answer, "MANIFEST_BLOB_UNKNOWN"):
        return error
    return UnknownBlobError(
        "the registry lost a blob that it said it had",
        where=where,
        hint="push again: it will be sent anew",
        detail=error.detail,
    )


def _missing(wire: Wire, repository: Repository, target: str, answer: Answer) -> NetworkError:
    """Say what is missing; some registries say only of a repository's tags whether it is there."""
    call = Call(method="GET", repository=repository, path="tags/list?n=1000", accepted=(200, 404))
    try:
        listed = wire.read(call)
    except NetworkError:
        return missing(_named(target), repository, answer)
    if has_code(listed, "NAME_UNKNOWN"):
        return missing(_named(target), repository, listed)
    return missing(_named(target), repository, answer, near=_near(target, listed))


def _near(target: str, listed: Answer) -> str:
    try:
        tags = from_json(listed.body, _Tags).tags or ()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return next(iter(difflib.get_close_matches(target, tags, n=1)), "")


def _named(target: str) -> str:
    return f"manifest {target}" if ":" in target else f"tag {target!r}"
