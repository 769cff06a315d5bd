"""Passes TCP connections on: a published port whose number is not the container's own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from lightship.digest import CHUNK
from lightship.errors import UsageError

MOST_CONNECTIONS = 512
"""Connections at once; the others wait in the kernel's queue."""


class Forwarder:
    """Listens at one address and connects each client with a port of this machine.

    A context manager; the work is done on a thread of its own.
    """

    def __init__(self, host: str, port: int, target_port: int) -> None:
        self._host = host
        self._port = port
        self._target_port = target_port
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"forward-{port}", daemon=True)

    @property
    def port(self) -> int:
        """The port listened at: the one asked for, or the kernel's choice for 0."""
        return self._port

    def __enter__(self) -> Self:
        """Start listening.

        Raises:
            UsageError: the address cannot be listened at.

        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise port_taken(self._host, self._port, self._failure)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        try:
            listener = socket.create_server((self._host, self._port), family=family_of(self._host))
            self._port = listener.getsockname()[1]
        except OSError as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        with listener:
            listener.setblocking(False)
            clients = _Clients(asyncio.get_running_loop(), listener, self._target_port)
            clients.accept_more()
            await self._stopping.wait()
            await clients.end()
            await asyncio.sleep(0)  # lets the transports that were closed let go of their sockets


class _Clients:
    """The connections under way.

    They are accepted in a callback, not by awaiting `sock_accept`: cancelled at the wrong moment, that loses
    a socket that it has accepted already.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: socket.socket, target_port: int) -> None:
        self._loop = loop
        self._listener = listener
        self._target_port = target_port
        self._tasks: dict[asyncio.Task[None], socket.socket] = {}

    def accept_more(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    async def end(self) -> None:
        self._loop.remove_reader(self._listener)
        sockets = list(self._tasks.values())
        await _cancel(list(self._tasks))
        for client in sockets:
            client.close()  # a task that is cancelled before its first step closes nothing itself

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # the client has gone again, or there are no descriptors left just now
            return
        client.setblocking(False)
        task = self._loop.create_task(_serve_client(client, self._target_port))
        self._tasks[task] = client
        task.add_done_callback(self._ended)
        if len(self._tasks) >= MOST_CONNECTIONS:
            self._loop.remove_reader(self._listener)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if len(self._tasks) == MOST_CONNECTIONS - 1 and not task.cancelled():
            self.accept_more()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve_client(client: socket.socket, target_port: int) -> None:
    """Join one client with the service; a client that comes before the service listens is hung up on."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(sock=client)
        with contextlib.closing(writer):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target_port)
            with contextlib.closing(inner_writer):
                await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until the sender is done, and say so to the receiver."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def port_taken(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"cannot listen at port {port}: {error.strerror or error}",
        where=f"{host}:{port}",
        hint="stop what uses the port, or publish another one (`--publish HOST:CONTAINER`)",
    )
