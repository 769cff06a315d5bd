"""Where a reference leads: a host, and a repository there."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from lightship.errors import UsageError
from lightship.reference import Reference

DOCKER_HUB = "docker.io"
_HUB_NAMES = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
_HUB_API = "registry-1.docker.io"


class Repository(Struct, frozen=True):
    """A repository of a registry.

    `host` is what people call the registry, `api` the host and port that answers for it.
    """

    host: str
    api: str
    name: str

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"

    def beside(self, name: str) -> Repository:
        """Name another repository of the same registry."""
        return Repository(self.host, self.api, name)


def locate(reference: Reference) -> Repository:
    """Find the repository; a short name is Docker Hub's, as Docker reads it (`python` → `library/python`)."""
    host = reference.registry or DOCKER_HUB
    if host not in _HUB_NAMES:
        return Repository(host, host, reference.name)
    name = reference.name if "/" in reference.name else f"library/{reference.name}"
    return Repository(DOCKER_HUB, _HUB_API, name)


def target(reference: Reference) -> str:
    """Give what names the manifest in its repository: the digest where there is one, else the tag."""
    return reference.digest or reference.tag


def is_loopback(host: str) -> bool:
    """Tell whether a registry is on this machine: `localhost`, or an address of the loopback network.

    Raises:
        UsageError: if it is not a host and a port.

    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError as error:
        raise UsageError(f"{host!r} is not a host", hint="write it as HOST or HOST:PORT") from error
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
