"""Finding, reading and replacing Dockerfiles on disk; their text keeps every byte."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from lightship.errors import UsageError
from lightship.fs.atomic import writing

_PATTERNS = ("Dockerfile", "Containerfile", "*.Dockerfile", "*.dockerfile", "Dockerfile.*", "Containerfile.*")
_NO_DOCKERFILES = (".dockerignore", ".containerignore", ".orig", ".bak")


def find_dockerfiles(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Give files as they are, and for each folder the Dockerfiles in it, not below it.

    Raises:
        UsageError: if a path is not there, or a folder has none.

    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(_in_folder(path))
        elif path.exists():
            found[path] = None
        else:
            raise UsageError(
                "there is no such file", where=str(path), hint="name a Dockerfile, or a folder with one"
            )
    return tuple(found)


def read_text(path: Path) -> str:
    """Read a file's text; bytes that are no UTF-8 survive, and are written back by `write_text`.

    Raises:
        UsageError: if it cannot be read.

    """
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=str(path), hint="check the file's permissions"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Replace a file, at once and with its mode; a link stays a link.

    Raises:
        StageError: if it cannot be written.

    """
    real = path.resolve()
    with writing(real, mode=stat.S_IMODE(real.stat().st_mode)) as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))


def _in_folder(folder: Path) -> list[Path]:
    names = {path for pattern in _PATTERNS for path in folder.glob(pattern) if path.is_file()}
    found = sorted(path for path in names if path.suffix not in _NO_DOCKERFILES)
    if not found:
        hint = "name a file, or a folder with Dockerfile, *.Dockerfile or Dockerfile.*"
        raise UsageError("there is no Dockerfile", where=str(folder), hint=hint)
    return found
