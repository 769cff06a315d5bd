from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lightship.digest import (
    CHUNK,
    canonical_json,
    from_hex,
    hex_of,
    of_bytes,
    of_chunks,
    of_file,
    of_value,
    parse_digest,
)
from lightship.errors import IntegrityError

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_bytes_chunks_and_files_with_the_same_content_have_the_same_digest(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    (tmp_path / "data").write_bytes(data)
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    expected = f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert of_bytes(data) == of_chunks(chunks) == of_file(tmp_path / "data") == expected


def test_nothing_has_a_digest_too() -> None:
    assert of_bytes(b"") == of_chunks([]) == EMPTY


def test_a_digest_parses_to_itself() -> None:
    assert parse_digest(EMPTY) == EMPTY
    assert from_hex(hex_of(parse_digest(EMPTY)).upper()) == EMPTY


@pytest.mark.parametrize(
    "text", ["", "sha256:", EMPTY[:-1], EMPTY + "0", EMPTY.upper(), "md5:" + "0" * 32, EMPTY + "\n"]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError, match="is not a SHA-256 digest"):
        parse_digest(text)


def test_equal_values_are_equal_bytes_whatever_their_order() -> None:
    assert canonical_json({"b": [1, 2], "a": "é"}) == '{"a":"é","b":[1,2]}'.encode()
    assert of_value({"b": 1, "a": 2}) == of_value({"a": 2, "b": 1})
    assert of_value([1, 2]) != of_value([2, 1])
