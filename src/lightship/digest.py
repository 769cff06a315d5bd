"""Content digests as the OCI image specification writes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NewType

import msgspec

from lightship.errors import IntegrityError

Digest = NewType("Digest", str)
"""`sha256:<64 lower-case hex digits>` (OCI image spec, descriptor.md, "Digests")."""

CHUNK = 1 << 20
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


def parse_digest(text: str) -> Digest:
    """Check the form of a digest.

    Raises:
        IntegrityError: if `text` is not a SHA-256 digest.

    """
    if not _SHA256.fullmatch(text):
        raise IntegrityError(f"{text!r} is not a SHA-256 digest")
    return Digest(text)


def from_hex(hexadecimal: str) -> Digest:
    return parse_digest(f"sha256:{hexadecimal.lower()}")


def hex_of(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def of_bytes(data: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def of_chunks(chunks: Iterable[bytes]) -> Digest:
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return Digest(f"sha256:{state.hexdigest()}")


def of_file(path: Path) -> Digest:
    with path.open("rb") as stream:
        return Digest(f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}")


def canonical_json(value: Any) -> bytes:
    """Serialise with sorted keys and no spaces, so that equal values are equal bytes."""
    return msgspec.json.encode(value, order="deterministic")


def of_value(value: Any) -> Digest:
    """Digest of the canonical JSON of a value: the key under which what is made from it is cached."""
    return of_bytes(canonical_json(value))
