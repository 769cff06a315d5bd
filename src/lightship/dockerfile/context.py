"""The build context, as far as lint looks into it: requirement files, and what locked wheels need."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lightship.project.detect import read_project
from lightship.wheels.lock import lock_path, read_lock
from lightship.wheels.model import LockedLibrary

_LARGEST = 1 << 20
_NAMING = (
    "docker-bake.hcl",
    "docker-bake.override.hcl",
    *(f"{name}.{end}" for name in ("compose", "docker-compose") for end in ("yaml", "yml")),
)
_BLOCKS = (
    re.compile(r"(\b)contexts[ \t]*=[ \t]*\{(.*?)\}", re.DOTALL),
    re.compile(r"^([ \t]*)additional_contexts:[ \t]*\n((?:\1(?:[ \t]+|- ).*\n?)+)", re.MULTILINE),
)
_CONTEXT = re.compile(r"(?:^|,)[ \t]*(?:-[ \t]*)?[\"']?([\w./-]+)[\"']?[ \t]*[=:]", re.MULTILINE)


class Context(Protocol):
    """Reads files of the build context by their relative paths.

    `libraries` is what the ELF files of the locked wheels need of the system; None where nobody looked.
    """

    @property
    def libraries(self) -> tuple[LockedLibrary, ...] | None: ...

    def read(self, path: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class FolderContext:
    """A folder; nothing outside of it is read."""

    folder: Path
    libraries: tuple[LockedLibrary, ...] | None = None

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
    """A Dockerfile alone."""

    libraries = None

    def read(self, path: str) -> str | None:  # noqa: ARG002
        return None


def locked_libraries(folder: Path) -> tuple[LockedLibrary, ...]:
    """Read from the lock of a project's default variant what its wheels' ELF files need.

    Raises:
        UsageError: if there is no project or no lock.

    """
    lock = read_lock(lock_path(folder, read_project(folder).config.variant))
    return tuple(sorted({library for libraries in lock.libraries.values() for library in libraries}))


def named_contexts(context: Context) -> frozenset[str]:
    """Name the build contexts that a bake file or a Compose file gives beside the folder.

    They are known by their blocks, `contexts = { … }` and `additional_contexts:`; whether the rest of such a
    file is right is for Docker to say.
    """
    texts = (context.read(name) or "" for name in _NAMING)
    blocks = (block[2] for text in texts for pattern in _BLOCKS for block in pattern.finditer(text))
    return frozenset(name for block in blocks for name in _CONTEXT.findall(block))


def requirement_lines(
    context: Context, path: str, seen: frozenset[str] = frozenset()
) -> tuple[str, ...] | None:
    """Give the lines of a requirement file and those that it includes; None if it cannot be read.

    What a file includes is looked for beside it (pip's documentation, "Requirements File Format").
    """
    text = context.read(path)
    if text is None:
        return None
    lines: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#.*", "", line).strip()
        included = re.match(r"(?:-r|--requirement)[\s=]*(\S+)", bare)
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), included[1])) if included else ""
        if included and place not in seen and len(seen) < 16:
            lines += requirement_lines(context, place, seen | {path, place}) or ()
        elif bare:
            lines.append(bare)
    return tuple(lines)
