"""The project's own files over an image's copies of them, so that a change is seen at once."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path

from lightship.build.inroot import find_in_root
from lightship.build.sandbox import Link, Scratch, Volume

LIVE = "/run/lightship/project"
"""Where the project is mounted for the links to single files, in memory."""
BYTECODE = "__pycache__"
Mount = Volume | Scratch | Link


def watch_mounts(root: Path, folder: Path, workdir: str, sources: Sequence[str]) -> tuple[Mount, ...]:
    """Mount the sources of the project in `folder`, read-only, at their places in the image at `root`.

    A single file becomes a link into the project, for editors and git replace files, and a mount of a file
    goes on showing the one that was replaced. A source that is not in the image is left out. The image's
    bytecode of what is beside a file is hidden: Python would take it without a look at the source.
    """
    places = sorted({posixpath.normpath(source) for source in sources})
    there = [place for place in places if find_in_root(root, f"{workdir}/{place}")]
    # Nothing can be laid out anew at the root, so there the files themselves are mounted.
    files = [place for place in there if (folder / place).is_file()] if workdir.strip("/") else []
    mounts: list[Mount] = [Volume(folder, LIVE, read_only=True)] if files else []
    for parent in sorted({posixpath.dirname(file) for file in files}):
        mounts += _laid_out(root, workdir, parent, files)
    for place in there:
        if place not in files:
            mounts.append(Volume(folder / place, _join(workdir, place), read_only=True))
            bytecode = _join(workdir, posixpath.join(posixpath.dirname(place), BYTECODE))
            if (folder / place).is_file() and find_in_root(root, bytecode):
                mounts.append(Scratch(bytecode))
    return tuple(dict.fromkeys(mounts))


def _laid_out(root: Path, workdir: str, parent: str, files: Sequence[str]) -> Iterator[Mount]:
    """Lay a folder out in memory: what the image has in it, and links in place of the watched files."""
    place = _join(workdir, parent)
    yield Scratch(place)
    inside = find_in_root(root, place)
    for child in sorted(inside.iterdir()) if inside else ():
        if child.name == BYTECODE:
            continue
        name = posixpath.join(parent, child.name)
        if name in files:
            yield Link(f"{LIVE}/{name}", _join(place, child.name))
        elif child.is_symlink():
            yield Link(str(child.readlink()), _join(place, child.name))
        else:
            yield Volume(child, _join(place, child.name), read_only=True)


def _join(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
