"""What stages hand on: files and folders found in a root, as entries of a layer or of a working folder."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path

from lightship.build.inroot import find_in_root
from lightship.errors import IntegrityError, StageError
from lightship.fs.entries import Entry, FileContent, Kind, directory, symlink
from lightship.fs.paths import check_link
from lightship.plan.stages import Origin

_MOST_NAMES = 20


def output_entries(root: Path, path: str, place: str, origin: Origin) -> Iterator[Entry]:
    """Yield what lies at `path` of a root as it is to lie at `place`, itself first; `.` is the top.

    Modes are reduced to 0755 and 0644, as git does; everything belongs to root.

    Raises:
        StageError: if nothing is there, or it holds a link that leaves it, a socket or a device.

    """
    found = find_in_root(root, path)
    if found is None:
        raise _missing(root, path, origin)
    top = "" if place == "." else place.strip("/")
    if not found.is_dir():
        yield _entry(found, posixpath.join(top, found.name) if place.endswith("/") else top, "", origin)
        return
    if top:
        yield directory(top)
    for inner in _below(found, ""):
        yield _entry(found / inner, posixpath.join(top, inner), inner, origin)


def _below(folder: Path, prefix: str) -> Iterator[str]:
    for name in sorted(os.listdir(folder / prefix)):  # noqa: PTH208 - names are all that is wanted
        inner = posixpath.join(prefix, name)
        yield inner
        path = folder / inner
        if path.is_dir() and not path.is_symlink():
            yield from _below(folder, inner)


def _entry(found: Path, place: str, inner: str, origin: Origin) -> Entry:
    """Describe one path; `inner` is its own within the folder that is copied."""
    status = found.lstat()
    try:
        place.encode()
    except UnicodeEncodeError:
        raise _refused("the name of a file is not UTF-8", repr(place), origin) from None
    if stat.S_ISDIR(status.st_mode):
        return directory(place)
    if stat.S_ISLNK(status.st_mode):
        return symlink(place, _target(found, inner, origin))
    if not stat.S_ISREG(status.st_mode):
        raise _refused("only files, folders and links can be handed on", inner or found.name, origin)
    mode = 0o755 if status.st_mode & 0o100 else 0o644
    return Entry(place, Kind.FILE, mode, FileContent(found, status.st_size))


def _target(found: Path, inner: str, origin: Origin) -> str:
    target = str(found.readlink())
    try:
        check_link(inner, target, archive=origin.words)
    except IntegrityError:
        leaves = True
    else:
        leaves = target.startswith("/")
    if leaves:
        raise _refused(f"the link to {target!r} leaves what is copied", inner, origin)
    return target


def _refused(message: str, where: str, origin: Origin) -> StageError:
    return StageError(
        f"{origin.words}: {message}", where=where, hint="have it make a file, or copy less of it"
    )


def _missing(root: Path, path: str, origin: Origin) -> StageError:
    """Say what is there instead: in the nearest folder above that exists."""
    folder = posixpath.dirname(path.rstrip("/"))
    while (found := find_in_root(root, folder)) is None or not found.is_dir():
        folder = posixpath.dirname(folder)
    names = sorted(f"{item.name}/" if item.is_dir() else item.name for item in found.iterdir())
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    content = ", ".join(names[:_MOST_NAMES]) + more if names else "nothing"
    return StageError(
        f"{origin.words} does not have {path}, which it is to hand on",
        where=path,
        hint=f"{folder} holds {content}: mend the command, or the path",
    )
