"""Several transfers at once, of which the first that fails ends all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from lightship.errors import NetworkError
from lightship.events import SilentTask, Task

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 4
"""Transfers at once; each holds some chunks of 1 MiB in memory, whatever the sizes of blobs."""


class StoppedError(NetworkError):
    """Another transfer failed, whose error counts."""


class _Stopping(SilentTask):
    """Passes progress on, and ends a transfer whose result nobody wants any more."""

    def __init__(self, task: Task, stop: Event) -> None:
        self._task = task
        self._stop = stop

    def advance(self, amount: int) -> None:
        if self._stop.is_set():
            raise StoppedError("stopped")
        self._task.advance(amount)


def in_parallel(
    work: Callable[[Item, Task], Result], items: Iterable[Item], task: Task, *, workers: int = WORKERS
) -> list[Result]:
    """Do `work` on every item, and give the results in the items' order; `task` is told of progress.

    Raises what the first failing `work` raised, when the others have noticed and ended.
    """
    stop = Event()
    watched = _Stopping(task, stop)
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, item, watched) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            if not all(map(_succeeded, futures)):
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
    _raise_first(futures)
    return [future.result() for future in futures]


def _succeeded(future: Future[Result]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _raise_first(futures: Iterable[Future[Result]]) -> None:
    errors = [future.exception() for future in futures if not future.cancelled()]
    for error in errors:
        if error is not None and not isinstance(error, StoppedError):
            raise error
