"""Streams of entries: parents first, each path once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lightship.errors import IntegrityError
from lightship.fs.entries import Entry, Kind, directory
from lightship.fs.paths import parents


def with_parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Put every directory that entries need, and do not bring, before its first use, with mode 0755.

    Raises:
        IntegrityError: if one path is a directory and something else.

    """
    folders: set[str] = set()
    others: set[str] = set()
    for entry in entries:
        for parent in parents(entry.path):
            if parent not in folders:
                _claim(parent, folders, others)
                yield directory(parent)
        if entry.kind is not Kind.DIRECTORY:
            _claim(entry.path, others, folders)
            yield entry
        elif entry.path not in folders:
            _claim(entry.path, folders, others)
            yield entry


def _claim(path: str, kind: set[str], other: set[str]) -> None:
    if path in other:
        raise IntegrityError(
            f"{path} is both a file and a folder",
            hint="two of the packages cannot be installed together: leave one of them out",
        )
    kind.add(path)
