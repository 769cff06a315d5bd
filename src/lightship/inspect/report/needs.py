"""Which Debian packages' libraries the others' ELF files need: the reason for many of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from lightship.elf import ElfInfo
from lightship.inspect.report.surface import Surface
from lightship.loader import parse_cache


def read_elves(surface: Surface) -> dict[str, ElfInfo]:
    """Give the ELF files that can be seen, by path, as far as they are known."""
    elves = surface.seen.elves
    found = ((placed.path, elves[placed.layer].get(placed.member.number)) for placed in surface.files)
    return {path: info for path, info in found if info is not None}


def library_needs(
    surface: Surface, elves: Mapping[str, ElfInfo], owners: Mapping[str, str]
) -> dict[str, set[str]]:
    """Say for each owner of ELF files whose system libraries they load.

    A library counts as brought where the owner has a file of its name; the loader's cache and default folders
    say who has the others (ld.so(8)).
    """
    system = _system_libraries(surface, elves)
    own: dict[str, set[str]] = {}
    for path, info in elves.items():
        own.setdefault(owners[path], set()).update((info.soname, posixpath.basename(path)))
    found: dict[str, set[str]] = {}
    for path, info in elves.items():
        owner = owners[path]
        for name in info.needed:
            library = system.get(name) if name not in own[owner] else None
            if library is not None and owners.get(library, owner) != owner:
                found.setdefault(owner, set()).add(owners[library])
    return found


def _system_libraries(surface: Surface, elves: Mapping[str, ElfInfo]) -> dict[str, str]:
    cached = surface.tree.data("etc/ld.so.cache")
    paths = dict(parse_cache(cached)) if cached is not None else {}
    for path in elves:
        if posixpath.dirname(path) in _default_folders(path):
            paths.setdefault(posixpath.basename(path), path)
    real = ((name, surface.tree.real(path)) for name, path in paths.items())
    return {name: path for name, path in real if path is not None}


def _default_folders(path: str) -> Iterator[str]:
    triplet = posixpath.basename(posixpath.dirname(path))
    for folder in ("lib", "usr/lib", "lib64", "usr/lib64"):
        yield folder
        yield f"{folder}/{triplet}"
