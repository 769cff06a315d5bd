"""Paths of a container, found in a root that lies in a folder of the host."""

from __future__ import annotations

from pathlib import Path

_MOST_LINKS = 40  # path_resolution(7)


def find_in_root(root: Path, path: str) -> Path | None:
    """Follow symlinks as if `root` were `/`; return the real path on the host, or None where nothing is."""
    here = root
    todo = path.split("/")[::-1]
    links = 0
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            here = here if here == root else here.parent
            continue
        here /= name
        if here.is_symlink():
            links += 1
            if links > _MOST_LINKS:
                return None
            target = str(here.readlink())
            here = root if target.startswith("/") else here.parent
            todo.extend(target.split("/")[::-1])
    return here if here.exists() else None


def read_in_root(root: Path, path: str) -> str:
    """Return a small text file of the root, empty where there is none."""
    found = find_in_root(root, path)
    return found.read_text("utf-8", "replace") if found is not None and found.is_file() else ""


def find_program(root: Path, name: str, *, search: str, workdir: str) -> Path | None:
    """Find an executable as execvp(3) does: `search` is the container's `$PATH`."""
    places = [""] if "/" in name else search.split(":")
    for place in places:
        path = name if name.startswith("/") else f"{place or workdir}/{name}"
        found = find_in_root(root, path)
        if found is not None and found.is_file() and found.stat().st_mode & 0o111:
            return found
    return None
