"""A real Redis server."""

import signal
import subprocess
from pathlib import Path

import redis

from support.processes import accepts_connections, free_port, is_running, stop, wait_until


class RedisServer:
    """A server that can be stopped and started again on the same port; it keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if is_running(self._process):
            return
        options = ["--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)  # noqa: S607
        wait_until(lambda: accepts_connections(self._port), "Redis", self._process)

    def empty(self) -> None:
        """Forget every key."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self) -> None:
        """Stop it."""
        if is_running(self._process):
            stop(self._process, signal.SIGTERM)
