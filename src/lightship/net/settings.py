"""How connections are made: certificates, proxies, patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightship.net.pipconf import PipConfig

_SCHEMES = ("http", "https", "all")


@dataclass(frozen=True, slots=True)
class HostCertificates:
    """What counts for one host: authorities beside all others, and certificates of ours with their keys."""

    authorities: tuple[Path, ...] = ()
    own: tuple[tuple[Path, Path], ...] = ()


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What `HttpTransport` needs to know.

    `cert` is a PEM bundle or a folder of hashed certificates; without one, the system's trust store counts.
    `proxies` maps `http`, `https` or `all` to a proxy's URL; `no_proxy` lists hosts and domains reached
    directly. `timeout` is in seconds, for connecting and between two pieces of a body. `more` counts beside
    `cert` and `client_cert`.
    """

    cert: Path | None = None
    client_cert: Path | None = None
    trusted_hosts: tuple[str, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict)
    no_proxy: tuple[str, ...] = ()
    timeout: float = 30.0
    attempts: int = 4
    more: HostCertificates = HostCertificates()


def http_settings(config: PipConfig, environ: Mapping[str, str]) -> HttpSettings:
    """Settings that pip and curl would use: pip's configuration first, then `SSL_CERT_*` and `*_PROXY`."""
    cert = config.cert or _path(environ, "SSL_CERT_FILE") or _path(environ, "SSL_CERT_DIR")
    proxies = {"all": config.proxy} if config.proxy else _proxies(environ)
    return HttpSettings(
        cert=cert,
        client_cert=config.client_cert or _path(environ, "SSL_CLIENT_CERT"),
        trusted_hosts=config.trusted_hosts,
        proxies=proxies,
        no_proxy=_no_proxy(environ),
        timeout=config.timeout or 30.0,
    )


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for scheme in _SCHEMES:
        # Upper-case HTTP_PROXY can come from a request's `Proxy:` header under CGI; curl ignores it there.
        upper = "" if scheme == "http" and "REQUEST_METHOD" in environ else f"{scheme}_proxy".upper()
        value = environ.get(f"{scheme}_proxy") or environ.get(upper)
        if value:
            found[scheme] = value if "://" in value else f"http://{value}"
    return found


def _no_proxy(environ: Mapping[str, str]) -> tuple[str, ...]:
    value = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return tuple(part.strip() for part in value.split(",") if part.strip())
