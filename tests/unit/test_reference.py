from __future__ import annotations

import pytest

from lightship.digest import Digest, of_bytes
from lightship.errors import IntegrityError, UsageError
from lightship.reference import Reference, parse_reference

DIGEST = of_bytes(b"")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("app", Reference("app", tag="latest")),
        ("app:1.0", Reference("app", tag="1.0")),
        ("team/app:1.0", Reference("team/app", tag="1.0")),
        ("localhost/app", Reference("app", "localhost", "latest")),
        ("localhost:5000/app:1", Reference("app", "localhost:5000", "1")),
        ("registry.example/a/b__c/d-e.f:v", Reference("a/b__c/d-e.f", "registry.example", "v")),
        ("[::1]:5000/app:v", Reference("app", "[::1]:5000", "v")),
        (f"app@{DIGEST}", Reference("app", digest=DIGEST)),
        (f"app:1@{DIGEST}", Reference("app", tag="1", digest=DIGEST)),
    ],
)
def test_references_are_read_and_written(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    ["", "App", "app:", "app:-1", "app:" + "x" * 129, "a//b", "/app", "app/", "a b", "-app", "app_", "a___b"],
)
def test_what_breaks_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an image reference"):
        parse_reference(text)


@pytest.mark.parametrize("digest", [Digest(""), Digest("sha256:12")])
def test_a_malformed_digest_is_refused(digest: Digest) -> None:
    with pytest.raises(IntegrityError, match="is not a SHA-256 digest"):
        parse_reference(f"app@{digest}")
