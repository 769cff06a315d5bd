from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lightship.build.health import http_probe, tcp_probe, wait_healthy
from lightship.errors import CheckError


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def answers(*values: bool) -> Iterator[bool]:
    yield from values
    while True:
        yield values[-1]


def test_the_seconds_until_the_first_good_answer_are_counted() -> None:
    clock, probe = Clock(), answers(False, False, True)
    seconds = wait_healthy(lambda: next(probe), timeout=5, clock=clock, sleep=clock.sleep)
    assert seconds == pytest.approx(0.2)


def test_it_gives_up_in_time() -> None:
    clock = Clock()
    with pytest.raises(CheckError, match="within 3 s"):
        wait_healthy(lambda: False, timeout=3, clock=clock, sleep=clock.sleep)
    assert clock.now == pytest.approx(103, abs=0.2)


def test_it_does_not_wait_for_the_dead() -> None:
    clock = Clock()
    with pytest.raises(CheckError, match="ended before"):
        wait_healthy(lambda: False, timeout=3, alive=lambda: False, clock=clock, sleep=clock.sleep)
    assert clock.now == 100


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


def test_only_a_good_status_is_healthy(server: str) -> None:
    assert http_probe(f"{server}/health")()
    assert not http_probe(f"{server}/other")()


def test_nobody_there_is_not_healthy() -> None:
    assert not http_probe("http://127.0.0.1:1/health", timeout=0.5)()


def test_a_port_is_open_once_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert tcp_probe("127.0.0.1", port)()
    assert not tcp_probe("127.0.0.1", port)()
