"""Requirement files, read only as far as Lightship itself must: names, and files that they include.

Their full meaning is the resolver's business (pip's documentation, "Requirements File Format").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lightship.errors import UsageError

_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[|[<>=!~;@ ]|$)")
_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")


def included(path: Path, seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield a requirement file and every file it includes with `-r` or `-c`, each once on its path.

    What is included by URL is left to the resolver.

    Raises:
        UsageError: if one of them is not there.

    """
    place = path.resolve()
    if place in seen:
        return
    yield path
    for line in _lines(path):
        match = _INCLUDE.match(line)
        if match and "://" not in match[1]:
            yield from included(path.parent / match[1], seen | {place})


def names(path: Path) -> Iterator[str]:
    """Yield the normalised names (PEP 503) of the requirements in a file, without those it includes."""
    for line in _lines(path):
        match = _NAME.match(line)
        if match:
            yield normalised(match[1])


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"requirement file not readable: {reason}",
            where=str(path),
            hint="mend `requirements` in [tool.lightship]",
        ) from error
    return [line.split(" #")[0].strip() for line in text.splitlines() if line.strip()[:1] not in ("", "#")]
