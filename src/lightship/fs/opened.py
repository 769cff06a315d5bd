"""Which files of a tree anybody opens, as the kernel tells it (inotify(7)): it needs no rights."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lightship.errors import StageError

if TYPE_CHECKING:
    from inotify_simple import INotify

_TICK_MS = 100


@dataclass(slots=True)
class OpenedFiles:
    """Paths below the watched folder that were opened; `lost` tells that the kernel dropped some."""

    paths: set[str] = field(default_factory=set)
    lost: bool = False


@contextmanager
def watching(top: Path) -> Iterator[OpenedFiles]:
    """Collect the files below `top` that are opened while the block lasts, by whatever path they are seen.

    Folders that are made meanwhile are not watched.

    Raises:
        StageError: if the system allows too few watches, or the kernel lost some events.

    """
    from inotify_simple import INotify

    opened, stop = OpenedFiles(), threading.Event()
    with INotify() as inotify:
        folders = dict(_watch(inotify, top))
        reader = threading.Thread(target=_read, args=(inotify, folders, opened, stop), daemon=True)
        reader.start()
        try:
            yield opened
        finally:
            stop.set()
            reader.join()
    if opened.lost:
        raise StageError(
            "more files were opened at once than the kernel remembers",
            where=str(top),
            hint="raise it: `sysctl fs.inotify.max_queued_events=262144`",
        )


def _watch(inotify: INotify, top: Path) -> Iterator[tuple[int, str]]:
    from inotify_simple import flags

    try:
        for folder, _, _ in os.walk(top):
            relative = os.path.relpath(folder, top)
            yield inotify.add_watch(folder, flags.OPEN), "" if relative == "." else f"{relative}/"
    except OSError as error:
        raise StageError(
            f"not every folder can be watched: {error.strerror}",
            where=str(top),
            hint="raise the limit: `sysctl fs.inotify.max_user_watches=524288`",
        ) from error


def _read(inotify: INotify, folders: dict[int, str], opened: OpenedFiles, stop: threading.Event) -> None:
    from inotify_simple import flags

    while True:
        ending = stop.is_set()  # asked before reading: what came until then is still read
        events = inotify.read(timeout=0 if ending else _TICK_MS)
        for event in events:
            if event.mask & flags.Q_OVERFLOW:
                opened.lost = True
            elif not event.mask & flags.ISDIR and event.name:
                opened.paths.add(folders[event.wd] + event.name)
        if ending and not events:
            return
