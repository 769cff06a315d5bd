"""A web server on loopback whose answers each test writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """One request; the handler itself lives on, and changes, as long as its connection."""

    path: str
    line: str
    headers: Message


@dataclass
class Web:
    """What the server was asked, and what it answers: one after the other, the last again and again."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@contextmanager
def serving() -> Iterator[Web]:
    """Serve for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.asked.append(Asked(self.path, self.requestline, self.headers))
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            answer(self)

        do_CONNECT = do_GET  # noqa: N815 - the name is http.server's

        def do_HEAD(self) -> None:
            body(b"", 405)(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def body(data: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def ranged(data: bytes) -> Answer:
    """Honour `Range`, as static file servers do."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        if asked is None:
            body(data)(handler)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(data) - 1), len(data) - 1)
        body(data[start : end + 1], 206, Content_Range=f"bytes {start}-{end}/{len(data)}")(handler)

    return answer


def broken(data: bytes, after: int, *, start: int = 0) -> Answer:
    """Promise everything from `start`, and hang up after some bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        handler.wfile.write(data[start : start + after])
        handler.close_connection = True

    return answer
