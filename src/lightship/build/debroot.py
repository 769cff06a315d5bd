"""Roots of Debian packages on the build machine: unpacked once, shared, never shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lightship.build.folders import making
from lightship.debs.base import base_entries
from lightship.debs.model import LockedDeb
from lightship.debs.trim import MANUALS, base_trimmer
from lightship.events import Reporter
from lightship.fs.entries import Entry
from lightship.fs.plant import Planter
from lightship.platform import Platform


def plant_debs(
    final: Path,
    debs: Sequence[LockedDeb],
    archives: Mapping[str, Path],
    *,
    platform: Platform,
    what: str,
    reporter: Reporter,
    complete: Callable[[Iterator[Entry]], Iterator[Entry]] = lambda entries: entries,
) -> None:
    """Unpack packages, whose files `archives` has by SHA-256, to a folder that appears whole.

    `complete` adds what no package brings, `what` names the root to whoever waits.

    Raises:
        IntegrityError: a damaged package, or one that leaves the tree.
        StageError: two packages with different files at one path, or the cache cannot be written.

    """
    pairs = [(deb, archives[deb.sha256]) for deb in debs]
    entries = base_entries(pairs, platform=platform, trimmed_by=base_trimmer(MANUALS))
    with making(final) as building:
        with reporter.task(f"unpacking {what} ({len(debs)} packages)", unit="files") as task:
            planter = Planter(building, archive=f"the packages of {what}")
            for entry in complete(entries):
                planter.put(entry, entry.content.chunks() if entry.content else ())
                task.advance(1)
        building.chmod(0o755)
