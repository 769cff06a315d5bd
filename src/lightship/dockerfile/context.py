"""The build context, as far as lint looks into it: requirement files, and what they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_LARGEST = 1 << 20


class Context(Protocol):
    """Reads files of the build context by their relative paths."""

    def read(self, path: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class FolderContext:
    """A folder; nothing outside of it is read."""

    folder: Path

    def read(self, path: str) -> str | None:
        """Give a file's text; None if it is not there, is not text, or lies outside."""
        try:
            found = (self.folder / path).resolve()
            inside = found.is_relative_to(self.folder.resolve())
            if not inside or not found.is_file() or found.stat().st_size > _LARGEST:
                return None
            return found.read_text("utf-8")
        except (OSError, ValueError):
            return None


class NoContext:
    """A Dockerfile alone, as from standard input."""

    def read(self, path: str) -> str | None:  # noqa: ARG002
        return None


def requirement_lines(
    context: Context, path: str, seen: frozenset[str] = frozenset()
) -> tuple[str, ...] | None:
    """Give the lines of a requirement file and those that it includes; None if it cannot be read."""
    text = context.read(path)
    if text is None:
        return None
    lines: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#.*", "", line).strip()
        included = re.match(r"(?:-r|--requirement)[\s=]*(\S+)", bare)
        if included and included[1] not in seen and len(seen) < 16:
            lines += requirement_lines(context, included[1], seen | {path, included[1]}) or ()
        elif bare:
            lines.append(bare)
    return tuple(lines)
