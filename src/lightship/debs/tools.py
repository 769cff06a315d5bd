"""A layer of Debian packages over a base: what the base would have, had it been made with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lightship.debs.alternatives import alternatives
from lightship.debs.base import added_entries, base_entries
from lightship.debs.ldcache import Library
from lightship.debs.model import LockedDeb
from lightship.fs.entries import Entry, Kind
from lightship.fs.paths import parents
from lightship.platform import Platform
from lightship.slim import Trimmer


class BaseTree(NamedTuple):
    """What a tree of packages is made of; with `cached`, on a tree of others' making (`added_entries`)."""

    packages: Sequence[tuple[LockedDeb, Path]]
    platform: Platform
    trimmed_by: Trimmer
    cached: Sequence[Library] | None = None

    def entries(self) -> Iterator[Entry]:
        if self.cached is None:
            return base_entries(self.packages, platform=self.platform, trimmed_by=self.trimmed_by)
        return added_entries(
            self.packages, platform=self.platform, trimmed_by=self.trimmed_by, cached=self.cached
        )


def tools_entries(below: BaseTree, whole: BaseTree) -> Iterator[Entry]:
    """Yield what the tree of all packages has and the one `below` has not, or has otherwise; parents first.

    So the loader's cache names every library, a file that was trimmed below comes back where a package
    here reads it, and two packages with different files at one path are found wherever they lie.

    Raises:
        IntegrityError, StageError: as `base_entries`.

    """
    there = {entry.path: _essence(entry) for entry in below.entries()}
    folders: dict[str, Entry] = {}
    paths: set[str] = set()
    for entry in _completed(whole):
        if entry.kind is Kind.DIRECTORY:
            folders[entry.path] = entry
        if there.get(entry.path) != _essence(entry):
            for path in (*parents(entry.path), entry.path):
                if path not in paths and path in folders:
                    yield folders[path]
                paths.add(path)
            if entry.kind is not Kind.DIRECTORY:
                yield entry


def _completed(tree: BaseTree) -> Iterator[Entry]:
    """Add the names of alternatives: a person types them, and scripts of the packages' do."""
    paths = set()
    for entry in tree.entries():
        paths.add(entry.path)
        yield entry
    yield from alternatives(paths)


def _essence(entry: Entry) -> tuple[object, ...]:
    """Everything about an entry but its path."""
    state = hashlib.sha256()
    for chunk in entry.content.chunks() if entry.content else ():
        state.update(chunk)
    return entry.kind, entry.mode, entry.target, entry.uid, entry.gid, state.digest()
