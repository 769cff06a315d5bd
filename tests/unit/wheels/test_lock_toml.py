from __future__ import annotations

import tomllib
from datetime import UTC, datetime

from lightship.wheels.toml import document, table

VALUES = {
    "text": 'quote " back \\ line \n tab \t bell \x07 delete \x7f ünï 🚢',
    "number": 12,
    "truth": True,
    "when": datetime(2024, 12, 4, 17, 35, 28, tzinfo=UTC),
    "list": ["a", "b"],
    "empty": [],
    "tables": [{"a": 1, "b": {"c d": "e"}}, {"a": 2}],
    "nothing": {},
    "odd.key": "x",
}


def test_whatever_a_lock_holds_is_read_back() -> None:
    assert tomllib.loads(table("t", VALUES))["t"] == VALUES
    assert tomllib.loads(table("p", VALUES, array=True))["p"] == [VALUES]


def test_a_document_is_its_scalars_and_its_packages() -> None:
    values = {"lock-version": "1.0", "packages": [{"name": "a"}, {"name": "b"}]}
    assert tomllib.loads(document(values)) == values


def test_dates_are_written_as_uv_writes_them() -> None:
    assert "when = 2024-12-04T17:35:28Z" in table("t", VALUES)
