"""A link of some speed: between this namespace and one where a registry listens."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.docker_registry import DockerRegistry, docker_registry

NETWORK = "10.213.77.0/30"  # of the addresses for private use (RFC 1918), a corner that nobody uses
_HERE, _THERE = "10.213.77.1", "10.213.77.2"


@dataclass(frozen=True, slots=True)
class Link:
    """A pair of interfaces, `near` in this namespace and `far` in another one."""

    namespace: str
    near: str
    far: str

    def limit(self, megabits: int) -> None:
        """Let that many megabits a second pass in each direction."""
        shape = ("root", "tbf", "rate", f"{megabits}mbit", "burst", "512kb", "latency", "100ms")
        _run("tc", "qdisc", "replace", "dev", self.near, *shape)
        _run("ip", "netns", "exec", self.namespace, "tc", "qdisc", "replace", "dev", self.far, *shape)

    def received(self) -> int:
        """Say how many bytes have come over the link to this side."""
        return int(Path(f"/sys/class/net/{self.near}/statistics/rx_bytes").read_text())


@contextmanager
def linked_registry(folder: Path) -> Iterator[tuple[Link, DockerRegistry]]:
    """Start Debian's docker-registry behind a link, as fast as the machine until limited; needs root."""
    _forget_dead()
    name = f"bench{os.getpid()}"
    link = Link(name, f"{name}a", f"{name}b")
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", link.near, "type", "veth", "peer", "name", link.far, "netns", name)
        _run("ip", "address", "add", f"{_HERE}/30", "dev", link.near)
        _run("ip", "link", "set", link.near, "up")
        _run("ip", "-n", name, "address", "add", f"{_THERE}/30", "dev", link.far)
        _run("ip", "-n", name, "link", "set", link.far, "up")
        inside = ("ip", "netns", "exec", name)
        with docker_registry(folder, address=_THERE, prefix=inside) as registry:
            yield link, registry
    finally:
        _run("ip", "netns", "delete", name)  # and both interfaces with it


def _forget_dead() -> None:
    """Delete namespaces of measurements that were killed: their interfaces have the same addresses."""
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    for name in re.findall(r"^bench\d+", listed, re.MULTILINE):
        if not Path("/proc", name.removeprefix("bench")).exists():
            _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
