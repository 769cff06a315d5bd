"""A registry on loopback, behind a meter: what a push sends, and what it receives."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.docker_registry import docker_registry

PIECE = 1 << 16


@dataclass
class Meter:
    """Counts what passes on the way to `target`, a port of this machine, in both directions.

    `folder` is where the server behind it keeps its configuration and its data.
    """

    target: int
    folder: Path
    port: int = 0
    sent: int = 0
    received: int = 0

    @property
    def moved(self) -> int:
        """Bytes in both directions."""
        return self.sent + self.received

    async def serve(self, ready: threading.Event, end: asyncio.Event) -> None:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await end.wait()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pass(reader, back, "sent"), self._pass(there, writer, "received"))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: str) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE):
                setattr(self, count, getattr(self, count) + len(piece))
                writer.write(piece)
                await writer.drain()
        with suppress(ConnectionError):
            writer.close()


@contextmanager
def metered_registry() -> Iterator[Meter]:
    """Start Debian's docker-registry with an empty store, and a meter before it."""
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as name,
        docker_registry(Path(name, "registry")) as registry,
        _metering(Meter(int(registry.host.partition(":")[2]), registry.folder)) as meter,
    ):
        yield meter


@contextmanager
def _metering(meter: Meter) -> Iterator[Meter]:
    ready, end = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        with suppress(asyncio.CancelledError):
            await meter.serve(ready, end)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))  # which ends the connections, too
    thread.start()
    ready.wait()
    try:
        yield meter
    finally:
        loops[0].call_soon_threadsafe(end.set)
        thread.join()
