"""TOML as locks are best read in a diff: one file of a package on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DELETE = "\x7f"  # the one control character that JSON leaves as it is and TOML forbids


def document(values: Mapping[str, Any]) -> str:
    """A PEP 751 lock: its scalars, then its packages."""
    head = "\n".join(assignments({key: value for key, value in values.items() if key != "packages"})) + "\n"
    return "\n".join(
        [head, *(table("packages", package, array=True) for package in values.get("packages", ()))]
    )


def table(name: str, values: Mapping[str, Any], *, array: bool = False) -> str:
    """A table, or with `array` one element of an array of tables, with every value on its own line."""
    head = f"[[{name}]]" if array else f"[{name}]"
    return "\n".join([head, *assignments(values)]) + "\n"


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Lines `key = value`; tables are written inline, lists of tables one to a line."""
    return [f"{_key(key)} = {_outer(value)}" for key, value in values.items()]


def _outer(value: Any) -> str:
    if isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
        return "[\n" + "".join(f"    {_inline(item)},\n" for item in value) + "]"
    return _inline(value)


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return str(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _inline(key)
