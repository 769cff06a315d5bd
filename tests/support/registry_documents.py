"""What a registry reads out of requests and documents, and writes into answers: no state, no network."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def has_digest(data: bytes, digest: str) -> bool:
    """Tell whether some text is the digest of some bytes."""
    algorithm = digest.partition(":")[0]
    return (
        bool(DIGEST.fullmatch(digest)) and digest == f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    )


def span(asked: str, size: int) -> range | None:
    """Read a `Range` header (RFC 9110, section 14.1.2) of one part; None where there is nothing of it."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if not first:
        return range(max(size - int(last), 0), size)
    found = range(int(first), min(int(last or size - 1), size - 1) + 1)
    return found or None


def page(tags: Sequence[str], query: Mapping[str, str]) -> tuple[list[str], bool]:
    """Give the tags that `n` and `last` ask for, and whether more follow."""
    rest = [tag for tag in sorted(tags) if tag > query.get("last", "")]
    count = int(query.get("n", len(rest)))
    return rest[:count], 0 < count < len(rest)


def read_manifest(data: bytes) -> dict[str, Any] | None:
    """Read a manifest or an index; None where it is neither."""
    try:
        document = json.loads(data)
    except ValueError:
        return None
    known = isinstance(document, dict) and ("manifests" in document or {"config", "layers"} <= set(document))
    return document if known else None


def named_blobs(document: Mapping[str, Any]) -> list[str]:
    """Give digests of what a manifest needs in its repository: not layers that lie elsewhere."""
    found = [*([document["config"]] if "config" in document else []), *document.get("layers", [])]
    return [item["digest"] for item in found if not item.get("urls")]


def named_manifests(document: Mapping[str, Any]) -> list[str]:
    return [item["digest"] for item in document.get("manifests", [])]


def subject_of(document: Mapping[str, Any]) -> str:
    found: str = (document.get("subject") or {}).get("digest", "")
    return found


def referrer(digest: str, media_type: str, data: bytes) -> dict[str, Any]:
    """Describe what refers to an image (distribution spec, "Listing Referrers")."""
    document = json.loads(data)
    kind = document.get("artifactType") or document.get("config", {}).get("mediaType", "")
    told = {"artifactType": kind, "annotations": document.get("annotations")}
    return {
        "mediaType": media_type,
        "digest": digest,
        "size": len(data),
        **{name: value for name, value in told.items() if value},
    }
