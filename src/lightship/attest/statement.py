"""In-toto statements: something is said about an image, named by its digest.

The form is that of https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lightship.digest import Digest, canonical_json, hex_of

MEDIA_STATEMENT = "application/vnd.in-toto+json"
SLSA = "https://slsa.dev/provenance/v1"
SPDX_DOCUMENT = "https://spdx.dev/Document"
_TYPE = "https://in-toto.io/Statement/v1"


def write_statement(image: Digest, name: str, predicate_type: str, predicate: bytes | Any) -> bytes:
    """Write a statement about an image; the predicate is a value, or the JSON text of one.

    `name` is for people: two who compare subjects compare their digests.
    """
    value = msgspec.Raw(predicate) if isinstance(predicate, bytes) else predicate
    return canonical_json(
        {
            "_type": _TYPE,
            "subject": [{"name": name, "digest": {"sha256": hex_of(image)}}],
            "predicateType": predicate_type,
            "predicate": value,
        }
    )


def predicate_of(statement: bytes) -> bytes:
    """Give the JSON text of a statement's predicate."""
    return bytes(msgspec.json.decode(statement, type=_Statement).predicate)


class _Statement(msgspec.Struct, frozen=True):
    predicate: msgspec.Raw
