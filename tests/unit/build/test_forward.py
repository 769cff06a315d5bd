from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from lightship.build.forward import Forwarder
from lightship.errors import UsageError


@pytest.fixture
def echo() -> Iterator[int]:
    """Give back what comes, once the sender says that it is done."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.sendall(read_all(client)[::-1])

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def read_all(stream: socket.socket) -> bytes:
    return b"".join(iter(lambda: stream.recv(65536), b""))


def ask(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def test_bytes_and_ends_are_passed_on_both_ways(echo: int) -> None:
    with Forwarder("127.0.0.1", 0, echo) as forwarder:
        assert ask(forwarder.port, b"abc") == b"cba"
        data = bytes(range(256)) * 20_000
        assert ask(forwarder.port, data) == data[::-1]


def test_many_clients_are_served(echo: int) -> None:
    with Forwarder("127.0.0.1", 0, echo) as forwarder:
        assert [ask(forwarder.port, b"%d" % number) for number in range(50)] == [
            (b"%d" % number)[::-1] for number in range(50)
        ]


def test_a_service_that_does_not_listen_yet_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Forwarder("127.0.0.1", 0, port) as forwarder:
        assert ask(forwarder.port, b"") == b""


def test_it_ends_with_clients_under_way(echo: int) -> None:
    with Forwarder("127.0.0.1", 0, echo) as forwarder:
        client = socket.create_connection(("127.0.0.1", forwarder.port))
        client.sendall(b"never ended")
    with client, suppress(ConnectionResetError):
        client.settimeout(10)
        assert client.recv(1) == b""


def test_a_taken_port_is_an_error_that_names_it(echo: int) -> None:
    with pytest.raises(UsageError, match=f"port {echo}") as caught, Forwarder("127.0.0.1", echo, 1):
        pass
    assert "--publish" in caught.value.hint
