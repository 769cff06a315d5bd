"""Waits until a service answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from lightship.errors import CheckError

INTERVAL = 0.1


def http_probe(url: str, *, timeout: float = 2.0) -> Callable[[], bool]:
    """Make a probe that is true once `url` answers with a status below 400; `timeout` in seconds.

    The address is on this machine, so no proxy is asked.
    """
    from urllib.error import URLError
    from urllib.request import ProxyHandler, build_opener

    opener = build_opener(ProxyHandler({}))

    def probe() -> bool:
        try:
            with opener.open(url, timeout=timeout) as answer:
                return bool(200 <= answer.status < 400)
        except (URLError, OSError, ValueError):
            return False

    return probe


def tcp_probe(host: str, port: int) -> Callable[[], bool]:
    """Make a probe that is true once something listens at a TCP port of this machine."""
    import socket

    def probe() -> bool:
        try:
            socket.create_connection((host, port), timeout=1.0).close()
        except OSError:
            return False
        return True

    return probe


def wait_healthy(
    probe: Callable[[], bool],
    *,
    timeout: float,
    alive: Callable[[], bool] = lambda: True,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Ask again and again until `probe` is true; return the seconds that took.

    Args:
        probe: asks once; it may take a while, but not for ever.
        timeout: seconds to keep asking.
        alive: false once there is nobody left to answer.
        clock: seconds that only grow.
        sleep: waits for seconds.

    Raises:
        CheckError: no answer within `timeout`, or the service ended first.

    """
    start = clock()
    while not probe():
        if not alive():
            raise CheckError("the service ended before it was healthy", hint="read what it wrote to its log")
        if clock() - start >= timeout:
            raise CheckError(
                f"the service was not healthy within {timeout:g} s",
                hint="read what it wrote to its log, or allow it more time",
            )
        sleep(INTERVAL)
    return clock() - start
