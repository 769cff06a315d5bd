"""Debian's docker-registry on loopback, for as long as a block runs."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.ports import free_port

USER, PASSWORD = "tester", "made-up-password"
_HTPASSWD = f"{USER}:$2b$04$u9RPCBGGgAXoR8EXqD4qhek2wyWvllcZHXEme2ilt09HM1I4/fLQS\n"  # bcrypt of it
_PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class DockerRegistry:
    """A registry that runs: its host and port, the folder it writes to, and its log."""

    host: str
    folder: Path
    log: Path

    def lines(self, words: str) -> list[str]:
        """Lines of its log, one a request among others, that have some words in them."""
        return [line for line in self.log.read_text().splitlines() if words in line]


@contextmanager
def docker_registry(
    folder: Path,
    certificate: Path | None = None,
    *,
    address: str = "127.0.0.1",
    prefix: Sequence[str] = (),
) -> Iterator[DockerRegistry]:
    """Start one; with a `certificate`, whose key lies beside it, over TLS and for `USER` alone.

    It listens at an `address`, and a command before it, `prefix`, may lead into another namespace.
    """
    port = free_port()
    config: dict[str, Any] = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"{address}:{port}", "secret": "the same for every request"},
    }
    folder.mkdir(parents=True)
    if certificate is not None:
        (folder / "htpasswd").write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
        config["http"]["tls"] = {
            "certificate": str(certificate),
            "key": str(certificate.with_name("key.pem")),
        }
    (folder / "config.yml").write_text(json.dumps(config))  # YAML, too
    command = [*prefix, "docker-registry", "serve", str(folder / "config.yml")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(address, port, process, folder / "log")
            host = f"localhost:{port}" if certificate is not None else f"{address}:{port}"
            yield DockerRegistry(host, folder, folder / "log")
        finally:
            process.terminate()


def make_certificate(folder: Path) -> Path:
    """Make a certificate for localhost, signed by a CA of its own in `ca.crt`; its key is beside it."""
    folder.mkdir(parents=True)
    new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _run(folder, *new, "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca-key.pem", "-out", "ca.crt")
    _run(
        folder,
        *new,
        *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.crt", "-CAkey", "ca-key.pem"),
        *("-keyout", "key.pem", "-out", "cert.pem"),
    )
    return folder / "cert.pem"


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _wait(address: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"docker-registry did not start:\n{log.read_text()[-4000:]}")
