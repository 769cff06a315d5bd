"""Versions of engines, as their programs say them."""

from __future__ import annotations

import re
from typing import TypeAlias

from lightship.errors import UsageError

Version: TypeAlias = tuple[int, int]


def read_version(text: str) -> Version:
    """Read the first `X.Y` of a text; (0, 0) if there is none."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def require_version(engine: str, text: str, oldest: Version, why: str) -> None:
    """Insist on a version.

    Raises:
        UsageError: if it is older.

    """
    if read_version(text) < oldest:
        wanted = ".".join(map(str, oldest))
        raise UsageError(
            f"{engine} {text.strip() or 'of an unknown version'} is too old: {why}",
            hint=f"install {engine} {wanted} or newer, or build with the direct engine",
        )
