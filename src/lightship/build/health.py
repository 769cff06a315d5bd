"""Waits until a service answers."""

from __future__ import annotations

import time
from collections.abc import Callable


def http_probe(url: str, *, timeout: float = 2.0) -> Callable[[], bool]:
    """Make a probe that is true once `url` (on loopback) answers with a status below 400."""
    raise NotImplementedError


def wait_healthy(
    probe: Callable[[], bool],
    *,
    timeout: float,
    alive: Callable[[], bool] = lambda: True,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Ask again and again until `probe` is true; return the seconds it took (CheckError if never)."""
    raise NotImplementedError
