"""A proxy on loopback that cuts connections: a bad network between a client and a real registry."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Cutter:
    """Cuts a connection once so many bytes have gone up: one entry for each cut, then everything passes."""

    host: str = ""
    after: list[int] = field(default_factory=list)
    cuts: int = 0


@contextmanager
def cutting(target: str) -> Iterator[Cutter]:
    """Forward connections to `target` for as long as the block runs."""
    cutter = Cutter()
    address, _, port = target.rpartition(":")
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        cutter.host = f"127.0.0.1:{server.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):  # the server was closed
                while True:
                    client, _ = server.accept()
                    upstream = socket.create_connection((address, int(port)))
                    threading.Thread(target=_up, args=(client, upstream, cutter), daemon=True).start()
                    threading.Thread(target=_down, args=(upstream, client), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield cutter
        server.shutdown(socket.SHUT_RDWR)


def _up(client: socket.socket, upstream: socket.socket, cutter: Cutter) -> None:
    sent = 0
    with client, upstream, suppress(OSError):
        while data := client.recv(1 << 16):
            if cutter.after and sent + len(data) > cutter.after[0]:
                upstream.sendall(data[: cutter.after.pop(0) - sent])
                cutter.cuts += 1
                _hang_up(upstream)
                return
            upstream.sendall(data)
            sent += len(data)
        _hang_up(upstream)


def _down(upstream: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := upstream.recv(1 << 16):
            client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)


def _hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)
