"""Streams of entries: parents first, each path once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lightship.fs.entries import Entry, Kind, directory
from lightship.fs.paths import parents


def with_parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Put every directory that entries need, and do not bring, before its first use, with mode 0755."""
    known: set[str] = set()
    for entry in entries:
        for parent in parents(entry.path):
            if parent not in known:
                known.add(parent)
                yield directory(parent)
        if entry.kind is not Kind.DIRECTORY:
            yield entry
        elif entry.path not in known:
            known.add(entry.path)
            yield entry
