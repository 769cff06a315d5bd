"""Through which proxy a server is reached, if through any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lightship.errors import UsageError
from lightship.net.credentials import basic
from lightship.net.settings import HttpSettings


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, and the headers that it wants."""

    scheme: str
    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def choose_proxy(settings: HttpSettings, scheme: str, host: str, port: int) -> Proxy | None:
    """Give the proxy for a server, or None where it is reached directly.

    Raises:
        UsageError: if the proxy's URL cannot be used.

    """
    url = settings.proxies.get(scheme) or settings.proxies.get("all")
    if not url or any(_means(entry, host, port) for entry in settings.no_proxy):
        return None
    return _read(url)


def _means(entry: str, host: str, port: int) -> bool:
    """Tell whether a `NO_PROXY` entry means a server: a domain means itself and all below it, as in curl."""
    bare = entry.removeprefix("*").removeprefix(".").lower()
    if not bare:
        return entry == "*"
    name, colon, given = bare.rpartition(":")
    if colon and given.isdecimal() and (":" not in name or name.endswith("]")):
        bare, matches = name.strip("[]"), int(given) == port
    else:
        bare, matches = bare.strip("[]"), True
    is_address = ":" in bare or bare.replace(".", "").isdecimal()
    return matches and (host == bare or (not is_address and host.endswith(f".{bare}")))


def _read(url: str) -> Proxy:
    hint = "write it as http://host:port"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError("the proxy's URL cannot be used", hint=hint) from error
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("the proxy's URL cannot be used", hint=hint)
    headers = {}
    if parts.username is not None:
        headers["Proxy-Authorization"] = basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), headers)
