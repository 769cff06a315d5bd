"""Connections: kept, replaced when the server has closed them, led through proxies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from lightship.net.connections import Connections, HttpError, Outgoing, Response
from lightship.net.settings import HttpSettings
from tests.support.web import Web, body

Talk = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def listening(*talks: Talk) -> Iterator[int]:
    """Have each connection, one after the other, talked to in its own way."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for talk in talks:
                connection, _ = server.accept()
                with connection:
                    talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def asked(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    return data


def received(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    assert data, "the connection was closed"
    return data


def read(response: Response) -> bytes:
    data = b"".join(response.iter_raw())
    response.close()
    return data


def get(url: str) -> Outgoing:
    return Outgoing("GET", url, {})


def test_a_connection_is_kept_for_the_next_request() -> None:
    def twice(connection: socket.socket) -> None:
        for _ in range(2):
            asked(connection)
            connection.sendall(OK)

    with listening(twice) as port, Connections(HttpSettings()) as pool:
        assert [read(pool.send(get(f"http://127.0.0.1:{port}/"))) for _ in range(2)] == [b"ok"] * 2


def test_an_answer_without_a_body_keeps_its_connection() -> None:
    def twice(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        asked(connection)
        connection.sendall(OK)

    with listening(twice) as port, Connections(HttpSettings()) as pool:
        assert read(pool.send(Outgoing("HEAD", f"http://127.0.0.1:{port}/", {}))) == b""
        assert read(pool.send(get(f"http://127.0.0.1:{port}/"))) == b"ok"


def test_a_body_in_chunks_keeps_its_connection() -> None:
    def twice(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        )
        asked(connection)
        connection.sendall(OK)

    with listening(twice) as port, Connections(HttpSettings()) as pool:
        assert read(pool.send(get(f"http://127.0.0.1:{port}/"))) == b"abc"
        assert read(pool.send(get(f"http://127.0.0.1:{port}/"))) == b"ok"


def test_one_that_the_server_has_closed_is_replaced() -> None:
    closed = threading.Event()

    def once(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(OK)
        connection.close()
        closed.set()

    with listening(once, once) as port, Connections(HttpSettings()) as pool:
        for _ in range(2):
            assert read(pool.send(get(f"http://127.0.0.1:{port}/"))) == b"ok"
            assert closed.wait(5)
            closed.clear()


def test_an_answer_that_is_not_read_costs_its_connection(web: Web) -> None:
    web.answers = [body(b"x" * 100), body(b"ok")]
    with Connections(HttpSettings()) as pool:
        pool.send(get(f"{web.url}/a")).close()
        assert read(pool.send(get(f"{web.url}/b"))) == b"ok"


def test_a_refusal_in_the_middle_of_a_body_is_heard() -> None:
    """A proxy before a registry answers 413, and does not read on."""

    def refuse(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    with listening(refuse) as port:
        chunks = [bytes(1 << 16)] * 4
        sent = Outgoing("PUT", f"http://127.0.0.1:{port}/", {}, chunks, 64 << 20)
        with Connections(HttpSettings(timeout=5)) as pool:
            answer = pool.send(sent)
            answer.close()
    assert answer.status == 413


@pytest.mark.parametrize("kind", [OSError, BrokenPipeError, ValueError])
def test_what_goes_wrong_with_a_body_is_not_blamed_on_the_network(web: Web, kind: type[Exception]) -> None:
    """Not even what looks as if the server had gone."""

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise kind("the disk is broken")

    sent = Outgoing("PUT", f"{web.url}/a", {}, chunks(), 100)
    with Connections(HttpSettings()) as pool, pytest.raises(kind, match="the disk is broken"):
        pool.send(sent)


def test_a_body_is_sent_with_its_size_and_as_it_comes() -> None:
    requests: list[bytes] = []

    def take(connection: socket.socket) -> None:
        data = asked(connection)
        while not data.endswith(b"bcd"):
            data += received(connection)
        requests.append(data)
        connection.sendall(OK)

    with listening(take) as port, Connections(HttpSettings()) as pool:
        sent = Outgoing("PUT", f"http://127.0.0.1:{port}/", {}, iter([b"a", b"", b"bcd"]), 4)
        assert read(pool.send(sent)) == b"ok"
    head, _, data = requests[0].partition(b"\r\n\r\n")
    assert data == b"abcd"
    assert b"Content-Length: 4" in head.split(b"\r\n")
    assert b"chunked" not in head


def test_proxies_of_the_environment_count_only_where_settings_name_them(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    web.answers = [body(b"ok")]
    with Connections(HttpSettings()) as pool:
        assert read(pool.send(get(f"{web.url}/a"))) == b"ok"


def test_a_body_that_ends_early_is_an_error() -> None:
    def short(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    with listening(short) as port, Connections(HttpSettings()) as pool:
        answer = pool.send(get(f"http://127.0.0.1:{port}/"))
        with pytest.raises(HttpError, match=r"missing|IncompleteRead") as raised:
            list(answer.iter_raw())
        answer.close()
    assert raised.value.begun


@pytest.mark.parametrize("sent", [b"5\r\nsh", b"5\r\nshort\r\n", b"5\r\nshort\r\nzzz\r\n"])
def test_a_body_whose_chunks_end_early_is_an_error(sent: bytes) -> None:
    def short(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)

    with listening(short) as port, Connections(HttpSettings()) as pool:
        answer = pool.send(get(f"http://127.0.0.1:{port}/"))
        with pytest.raises(HttpError) as raised:
            list(answer.iter_raw())
        answer.close()
    assert raised.value.begun


def test_a_proxy_is_told_its_password_and_the_whole_url() -> None:
    lines: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        lines.extend(asked(connection).split(b"\r\n"))
        connection.sendall(OK)

    with listening(proxy) as port:
        settings = HttpSettings(proxies={"http": f"http://me:secret@127.0.0.1:{port}"})
        with Connections(settings) as pool:
            assert read(pool.send(get("http://example.org/a?b=c"))) == b"ok"
    assert lines[0] == b"GET http://example.org/a?b=c HTTP/1.1"
    assert {b"Host: example.org", b"Proxy-Authorization: Basic bWU6c2VjcmV0"} <= set(lines)


@pytest.mark.parametrize("answer", [b"407 Proxy Authentication Required", b"502 Bad Gateway"])
def test_a_server_with_tls_is_reached_through_a_tunnel(answer: bytes) -> None:
    lines: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        lines.extend(asked(connection).split(b"\r\n"))
        connection.sendall(b"HTTP/1.1 " + answer + b"\r\n\r\n")

    with listening(proxy) as port:
        settings = HttpSettings(proxies={"https": f"http://me:secret@127.0.0.1:{port}"})
        with pytest.raises(HttpError, match=answer[:3].decode()):
            Connections(settings).send(get("https://example.org/a"))
    assert lines[0].startswith(b"CONNECT example.org:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in lines


def test_what_a_url_must_not_have_is_quoted(web: Web) -> None:
    def say_ok(handler: BaseHTTPRequestHandler) -> None:
        body(b"ok")(handler)

    web.answers = [say_ok]
    with Connections(HttpSettings()) as pool:
        assert read(pool.send(get(f"{web.url}/a b/ü%20?q=ä x"))) == b"ok"
    assert web.paths() == ["/a%20b/%C3%BC%20?q=%C3%A4%20x"]
