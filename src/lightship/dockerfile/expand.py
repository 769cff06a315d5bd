"""Variables of a Dockerfile: `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\\\$|\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<op>:?[-+])(?P<word>[^{}]*))?\})",
    re.ASCII,
)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Put in the variables that are known; the others stay as they are written."""
    return _VARIABLE.sub(lambda match: _value(match, variables), text)


def unknown(text: str) -> bool:
    """Tell whether a variable is left in a text."""
    return any(match[0] != "\\$" for match in _VARIABLE.finditer(text))


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, operator = match["bare"] or match["name"], match["op"] or ""
    if not name:
        return match[0]
    value = variables.get(name)
    if operator.endswith("+"):
        return match["word"] if value else ""
    if value:
        return value
    if operator.endswith("-"):
        return str(match["word"])
    return match[0] if value is None else ""
