"""Ports of this machine's loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Give one on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
