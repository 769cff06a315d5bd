"""In-toto statements: something is said about an image, named by its digest.

The form is that of https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lightship.digest import Digest, canonical_json, hex_of
from lightship.errors import IntegrityError

MEDIA_STATEMENT = "application/vnd.in-toto+json"
SLSA = "https://slsa.dev/provenance/v1"
PREDICATE_TYPE = "in-toto.io/predicate-type"
"""The annotation in which BuildKit says what a statement is about."""
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


def predicate_about(image: Digest, statement: bytes) -> bytes:
    """Give the JSON text of the predicate of a statement that somebody made about an image.

    Raises:
        IntegrityError: it is about something else, or no statement.

    """
    try:
        found = msgspec.json.decode(statement, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"it is no statement: {error}", where=image) from error
    if hex_of(image) not in {subject.digest.get("sha256") for subject in found.subject}:
        raise IntegrityError("the statement is about something else", where=image)
    return bytes(found.predicate)


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, frozen=True):
    predicate: msgspec.Raw
    subject: tuple[_Subject, ...] = ()
