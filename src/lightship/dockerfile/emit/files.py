"""Emitted files and those that lie in a project: which are missing or stale, and writing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightship.dockerfile.emit.emit import FOLDER, IGNORE
from lightship.errors import CheckError, UsageError
from lightship.fs.atomic import write_bytes
from lightship.project.ignore import read_ignore

MARK = "Made by `lightship dockerfile"
"""In the first comment of every file that is ours."""


_KINDS = ("requirements/*.txt", "slim/*.json", "bytecode/*.txt", "*.py")
"""What the folder of our own files may hold of ours."""


def stale_files(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Name what is missing or not as it would be written now; a `.dockerignore` of the user's is left."""
    return tuple(
        path for path, text in files.items() if not _is_kept(folder, path) and _read(folder / path) != text
    ) + _left_over(folder, files)


def check_files(folder: Path, files: Mapping[str, str], command: str) -> None:
    """Insist on files as they would be written now.

    Raises:
        CheckError: naming those that are not.

    """
    if stale := stale_files(folder, files):
        count = "a file is" if len(stale) == 1 else f"{len(stale)} files are"
        raise CheckError(
            f"{count} missing or stale",
            where=", ".join(stale),
            hint=f"run `{command}` and commit what it writes",
        )


def write_files(folder: Path, files: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
    """Write what is stale and name it; files of ours that nothing names any more go.

    Raises:
        UsageError: if a file is there that Lightship did not make, unless `force`.

    """
    stale = stale_files(folder, files)
    foreign = [path for path in stale if (folder / path).is_file() and not _is_ours(folder / path)]
    if foreign and not force:
        raise UsageError(
            f"{foreign[0]} is there, and Lightship did not make it",
            where=", ".join(str(folder / path) for path in foreign),
            hint="look at the new text with --stdout; move the file away, or overwrite it with --force",
        )
    for path in stale:
        if path in files:
            write_bytes(folder / path, files[path].encode())
        else:
            (folder / path).unlink()
    return stale


def ignored(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Name the files that the Dockerfile copies for itself, and that `.dockerignore` keeps from it."""
    rules = read_ignore(folder)
    return tuple(path for path in files if path.startswith(f"{FOLDER}/") and rules.ignores(path))


def _left_over(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Name files of ours that variants or stages had which are no more."""
    there = [path for pattern in _KINDS for path in sorted((folder / FOLDER).glob(pattern))]
    names = (path.relative_to(folder).as_posix() for path in there if _is_ours(path))
    return tuple(name for name in names if name not in files)


def _is_kept(folder: Path, path: str) -> bool:
    return path == IGNORE and (folder / path).is_file() and not _is_ours(folder / path)


def _is_ours(path: Path) -> bool:
    return MARK in (_read(path) or "")[:400]


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=str(path), hint="check what lies there"
        ) from error
