"""Certificates: refused unless configured, against a real TLS server."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

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


@pytest.fixture
def https(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = Server(("127.0.0.1", 0), Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


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
