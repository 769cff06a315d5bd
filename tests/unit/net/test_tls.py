"""Certificates: refused unless configured, against a real TLS server."""

from __future__ import annotations

import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest

from lightship.errors import NetworkError
from lightship.net.http import HttpTransport
from lightship.net.settings import HttpSettings


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


Asked: TypeAlias = list[tuple[str, str | None]]
"""Request lines, each with the password that came with it."""


class Server(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Refused handshakes are what the tests are about."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


@contextmanager
def serving(certificate: Path, handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = Server(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def https(certificate: Path) -> Iterator[str]:
    with serving(certificate, Hello) as url:
        yield url


class Proxy(Hello):
    """Answers for servers without TLS itself, and leads to others."""

    asked: Asked

    def do_GET(self) -> None:
        self.asked.append((self.requestline, self.headers["Proxy-Authorization"]))
        super().do_GET()

    def do_CONNECT(self) -> None:
        self.asked.append((self.requestline.rpartition(" ")[0], self.headers["Proxy-Authorization"]))
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            relay(self.connection, far)
        self.close_connection = True


def relay(near: socket.socket, far: socket.socket) -> None:
    assert isinstance(near, ssl.SSLSocket)
    others = {near: far, far: near}
    while True:
        for one in [near] if near.pending() else select.select([near, far], [], [])[0]:
            data = one.recv(1 << 16)
            if not data:
                return
            others[one].sendall(data)


@pytest.fixture
def proxy(certificate: Path) -> Iterator[tuple[str, Asked]]:
    asked: Asked = []
    with serving(certificate, type("Listening", (Proxy,), {"asked": asked})) as url:
        yield url.replace("//", "//me:secret@"), asked


def read(url: str, settings: HttpSettings) -> bytes:
    with HttpTransport(settings, sleep=lambda _: pytest.fail("waited")) as http, http.stream(url) as chunks:
        return b"".join(chunks)


def test_an_unknown_certificate_is_refused_at_once_and_says_where_to_name_it(https: str) -> None:
    with pytest.raises(NetworkError, match="certificate is not trusted") as raised:
        read(https, HttpSettings())
    assert "SSL_CERT_FILE" in raised.value.hint


def test_a_configured_bundle_is_trusted(https: str, certificate: Path) -> None:
    assert read(https, HttpSettings(cert=certificate)) == b"ok"


def test_a_trusted_host_needs_no_bundle(https: str) -> None:
    assert read(https, HttpSettings(trusted_hosts=("localhost",))) == b"ok"


def test_a_proxy_may_want_tls_itself(https: str, proxy: tuple[str, Asked], certificate: Path) -> None:
    url, asked = proxy
    settings = HttpSettings(cert=certificate, proxies={"all": url})
    assert read(https, settings) == b"ok"
    assert read("http://example.org/a", settings) == b"ok"
    assert asked == [
        (f"CONNECT localhost:{https.strip('/').rpartition(':')[2]}", "Basic bWU6c2VjcmV0"),
        ("GET http://example.org/a HTTP/1.1", "Basic bWU6c2VjcmV0"),
    ]


@pytest.mark.parametrize("target", ["https://localhost/", "http://example.org/"])
def test_a_proxy_with_an_unknown_certificate_gets_nothing(proxy: tuple[str, Asked], target: str) -> None:
    url, asked = proxy
    with pytest.raises(NetworkError, match="certificate is not trusted"):
        read(target, HttpSettings(proxies={"all": url}))
    assert asked == []


def test_a_trusted_proxy_makes_no_server_trusted(https: str, proxy: tuple[str, Asked]) -> None:
    """Both are on this machine: only the proxy's port is named."""
    url, asked = proxy
    named = url.rpartition("@")[2].strip("/")
    with pytest.raises(NetworkError, match="certificate is not trusted"):
        read(https, HttpSettings(trusted_hosts=(named,), proxies={"all": url}))
    assert len(asked) == 1
