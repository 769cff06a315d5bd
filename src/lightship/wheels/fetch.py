"""Wheels and sources into the cache, several at once, each under the digest that the lock pins."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

from lightship.digest import from_hex
from lightship.errors import IntegrityError, LightshipError, NetworkError
from lightship.events import Reporter, SilentTask, Task
from lightship.net.download import fetch_file
from lightship.net.local import local_path
from lightship.net.redact import redact
from lightship.net.transport import Transport
from lightship.wheels.model import LockedArchive

Archive = TypeVar("Archive", bound=LockedArchive)


def fetch_wheels(
    wheels: Iterable[Archive],
    *,
    transport: Transport,
    archives: Path,
    offline: bool,
    reporter: Reporter,
    workers: int = 4,
    kind: str = "wheels",
) -> dict[Archive, Path]:
    """Bring every wheel to `archives/sha256/<hex>` and say where each lies.

    A file that is there already is trusted: it got its name after it was verified. Wheels with `file:` URLs
    are copied, since their source can change later, and are read even when `offline`. `kind` is what messages
    call them.

    Raises:
        NetworkError: if a wheel cannot be fetched, or is missing from the cache when offline.
        IntegrityError: if what arrives is not what the lock pins.
        StageError: if the cache cannot be written.

    """
    paths = {wheel: wheel_path(archives, wheel) for wheel in wheels}
    missing = {path: wheel for wheel, path in paths.items() if not _is_cached(wheel, path)}
    if offline:
        _refuse_remote(list(missing.values()), kind)
    if missing:
        sizes = {wheel: _size(wheel) for wheel in missing.values()}
        with reporter.task(f"fetching {kind}", sum(sizes.values())) as task:
            # The biggest first: one that starts last would run alone at the end.
            order = sorted(missing.items(), key=lambda item: (-sizes[item[1]], item[1]))
            _fetch_all(order, transport, task, workers)
    return paths


def wheel_path(archives: Path, wheel: LockedArchive) -> Path:
    """Where a wheel lies in the cache, whether it is there or not."""
    return archives / "sha256" / wheel.sha256


def _is_cached(wheel: LockedArchive, path: Path) -> bool:
    try:
        size = path.stat().st_size
    except OSError:
        return False
    return size == wheel.size if wheel.size else size > 0


def _size(wheel: LockedArchive) -> int:
    path = local_path(wheel.url)
    if wheel.size or path is None:
        return wheel.size
    return path.stat().st_size if path.is_file() else 0


def _refuse_remote(missing: Sequence[LockedArchive], kind: str) -> None:
    remote = sorted(wheel.filename for wheel in missing if local_path(wheel.url) is None)
    if remote:
        raise NetworkError(
            f"{len(remote)} of the locked {kind} are not in the cache",
            where=", ".join(remote[:3]) + (", …" if len(remote) > 3 else ""),
            hint="build once without --offline",
            detail="\n".join(remote),
        )


def _fetch_all(
    order: Iterable[tuple[Path, LockedArchive]], transport: Transport, task: Task, workers: int
) -> None:
    watched = _Stoppable(task)
    with ThreadPoolExecutor(workers, thread_name_prefix="fetch") as pool:
        futures = [pool.submit(_fetch, wheel, path, transport, watched) for path, wheel in order]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            watched.stop()
            pool.shutdown(wait=True, cancel_futures=True)
    _raise_first(futures)


def _raise_first(futures: list[Future[None]]) -> None:
    errors = [error for future in futures if not future.cancelled() and (error := future.exception())]
    if errors:
        # What was stopped because another wheel failed is not news.
        raise next((error for error in errors if not isinstance(error, _Stopped)), errors[0])


def _fetch(wheel: LockedArchive, path: Path, transport: Transport, task: Task) -> None:
    try:
        fetch_file(
            transport, wheel.url, path, digest=from_hex(wheel.sha256), size=wheel.size or None, task=task
        )
    except (NetworkError, IntegrityError) as error:
        raise _named(error, wheel) from error


def _named(error: LightshipError, wheel: LockedArchive) -> LightshipError:
    return type(error)(
        f"{wheel.filename}: {error.message}",
        where=error.where or redact(wheel.url),
        hint=error.hint,
        detail=error.detail,
    )


class _Stopped(Exception):  # noqa: N818 - not an error, a signal to a thread
    """Ends a download that nobody waits for any more."""


class _Stoppable(SilentTask):
    """A `Task` through which downloads under way are ended, after an error or Ctrl-C."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()

    def advance(self, amount: int) -> None:
        if self._ended.is_set():
            raise _Stopped
        self._task.advance(amount)
