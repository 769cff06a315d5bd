"""Paths from archives, held inside their root."""

from __future__ import annotations

import posixpath

from lightship.errors import IntegrityError


def normalise(path: str, *, archive: str) -> str:
    """Turn a member name into an `Entry.path`; `./` and doubled or trailing slashes go.

    Raises:
        IntegrityError: for an absolute name, one that climbs with `..`, or one with a NUL.

    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise IntegrityError(f"the archive holds {path!r}, which leaves the tree", where=archive, hint=_HINT)
    return "/".join(parts)


def check_link(path: str, target: str, *, archive: str) -> None:
    """Refuse a symlink whose text, read from the directory of `path`, climbs above the root.

    An absolute target stays inside: it is read from the image's root.

    Raises:
        IntegrityError: if the link leaves the tree.

    """
    if target.startswith("/"):
        return
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if resolved == ".." or resolved.startswith("../") or "\0" in target:
        raise IntegrityError(f"the link {path!r} → {target!r} leaves the tree", where=archive, hint=_HINT)


def parents(path: str) -> list[str]:
    """Every directory above `path`, outermost first, without the root."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]


_HINT = "the archive is damaged or hostile: do not use it, and tell whoever publishes it"
