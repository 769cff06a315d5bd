"""The project's own files that go into the image."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import msgspec

from lightship.digest import of_file
from lightship.errors import UsageError
from lightship.project.ignore import Ignore


class SourceFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file or symlink of the project; `path` is relative to the project, `size` in bytes."""

    path: str
    executable: bool = False
    size: int = 0
    digest: str = ""
    link: str = ""


DigestOf = Callable[[Path, os.stat_result], str]


def digest_of(path: Path, _status: os.stat_result) -> str:
    """Read a file for its digest; a caller with a cache keyed by the status can save that."""
    return of_file(path)


def scan(
    folder: Path, sources: tuple[str, ...], ignore: Ignore, digest: DigestOf = digest_of
) -> tuple[SourceFile, ...]:
    """List the files under `sources`, by path.

    Modes are reduced to one bit, as git does, so that a umask or a copy cannot change an image.

    Raises:
        UsageError: for a source that is not there or lies outside the project, a link out of it, a socket or
            device, or a name that is not UTF-8.

    """
    found: dict[str, SourceFile] = {}
    for source in sources:
        for path in _walk(folder, source, ignore):
            relative = path.relative_to(folder).as_posix()
            found[relative] = _file(path, relative, digest)
    return tuple(found[path] for path in sorted(found))


def _walk(folder: Path, source: str, ignore: Ignore) -> Iterator[Path]:
    top = folder / source
    parts = PurePosixPath(source).parts
    if source.startswith("/") or ".." in parts or not top.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"source {source!r} lies outside the project", where=str(folder), hint=_HINT)
    if not top.exists():
        raise UsageError(f"source {source!r} is not there", where=str(folder), hint=_HINT)
    yield from _below(top, folder, ignore)


def _below(path: Path, folder: Path, ignore: Ignore) -> Iterator[Path]:
    relative = path.relative_to(folder).as_posix()
    if path.is_dir() and not path.is_symlink():
        if ignore.prunes(relative):
            return
        for child in sorted(path.iterdir()):
            yield from _below(child, folder, ignore)
    elif not ignore.ignores(relative):
        yield path


def _file(path: Path, relative: str, digest: DigestOf) -> SourceFile:
    if not _is_utf8(relative):
        raise UsageError("the name of a file is not UTF-8", where=repr(relative), hint=_HINT)
    if path.is_symlink():
        return SourceFile(relative, link=_link(path, relative))
    status = path.stat()
    if not path.is_file():
        raise UsageError("only files, folders and links can be shipped", where=str(path), hint=_HINT)
    return SourceFile(relative, bool(status.st_mode & 0o100), status.st_size, digest(path, status))


def _link(path: Path, relative: str) -> str:
    """Read a link, which must not climb out of the project: an absolute one is read from the image's root."""
    target = str(path.readlink())
    place = posixpath.normpath(posixpath.join(posixpath.dirname(relative), target))
    if not _is_utf8(target) or place.split("/")[0] == "..":
        raise UsageError(f"the link to {target!r} leaves the project", where=str(path), hint=_HINT)
    return target


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_HINT = "mend `sources` in [tool.lightship], or list it in .dockerignore"
