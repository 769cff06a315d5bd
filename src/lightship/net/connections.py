"""Single requests over kept connections (HTTP/1.1), by urllib3.

Redirects, repetition and rights belong to whoever asks: docs/design.md, "Registries".
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from types import TracebackType
from typing import Self

from msgspec import Struct
from urllib3 import BaseHTTPResponse, HTTPHeaderDict, PoolManager, ProxyManager
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.util import Url, parse_url

from lightship import __version__
from lightship.net.proxies import Proxy, choose_proxy
from lightship.net.settings import HttpSettings
from lightship.net.tls import careless, trusting

_PORTS = {"http": 80, "https": 443}
_PIECE = 1 << 16  # bytes that are read at once
_KEPT = 32  # connections to one server, as many as a pool of threads has at most by default
_HEADERS = {
    "User-Agent": f"lightship/{__version__}",
    "Accept": "*/*",
    # A body that the server compresses once more would not have the digest that the lock holds.
    "Accept-Encoding": "identity",
}


class HttpError(Exception):
    """A request that got no answer, or not a whole one, as its cause says; `begun` if there was one."""

    def __init__(self, cause: Exception, *, begun: bool = False) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.begun = begun


class _SourceError(Exception):
    """What a body's source raised: under this name urllib3 does not take it for the network's fault."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Outgoing(Struct, frozen=True):
    """A request; a `body` of `size` bytes is sent as it comes. `timeout` is in seconds, for each wait."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Iterable[bytes] | None = None
    size: int = 0
    timeout: float | None = None


class Response:
    """An answer whose body is still to be read; whoever got it closes it."""

    def __init__(self, answer: BaseHTTPResponse, url: str) -> None:
        self._answer = answer
        self.url = url
        self.status = answer.status
        self.reason = answer.reason or ""
        self.headers: HTTPHeaderDict = answer.headers

    def iter_raw(self) -> Iterator[bytes]:
        """Yield the body as it was sent.

        Raises:
            HttpError: if it breaks off.

        """
        try:
            yield from self._answer.stream(_PIECE, decode_content=False)
        except HTTPError as error:
            raise HttpError(_root(error), begun=True) from error

    def close(self) -> None:
        """Keep the connection for the next request if nothing is left to read."""
        if self._answer.closed:
            self._answer.release_conn()
        else:
            self._answer.close()


class Connections:
    """A pool of connections, safe to share between threads; reads nothing from the process's environment."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._managers: dict[tuple[Proxy | None, ssl.SSLContext | None], PoolManager] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}

    def send(self, request: Outgoing) -> Response:
        """Send a request and give its answer, whatever its status.

        A server may refuse a body without reading it to its end: then its answer is given all the same.

        Raises:
            HttpError: no answer, or this is no URL.
            UsageError: if certificates or the proxy are configured wrongly.

        """
        headers = HTTPHeaderDict({**_HEADERS, **request.headers})
        if request.body is not None:
            headers["Content-Length"] = str(request.size)
        try:
            url = parse_url(request.url)._replace(auth=None)
            answer = self._manager(url).urlopen(
                request.method,
                url.url,
                redirect=False,
                retries=False,
                body=_marked(request.body) if request.body is not None else None,
                headers=headers,
                timeout=request.timeout or self._settings.timeout,
                preload_content=False,
                decode_content=False,
            )
        except _SourceError as error:
            raise error.cause from error.cause.__cause__
        except HTTPError as error:
            raise HttpError(_root(error)) from error
        return Response(answer, request.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection that nobody uses."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()

    def _manager(self, url: Url) -> PoolManager:
        """Give the connections that lead to a server: through the same proxy, with the same certificates."""
        if url.scheme not in _PORTS or not url.host:
            raise LocationValueError("not http or https")
        host, port = url.host.strip("[]"), url.port or _PORTS[url.scheme]
        proxy = choose_proxy(self._settings, url.scheme, host, port)
        with self._lock:
            context = self._context(host, port) if url.scheme == "https" else None
            if (proxy, context) not in self._managers:
                self._managers[proxy, context] = self._make(proxy, context)
            return self._managers[proxy, context]

    def _make(self, proxy: Proxy | None, context: ssl.SSLContext | None) -> PoolManager:
        if proxy is None:
            return PoolManager(maxsize=_KEPT, ssl_context=context)
        return ProxyManager(
            proxy.url,
            proxy_headers=proxy.headers,
            proxy_ssl_context=self._context(proxy.host, proxy.port) if proxy.scheme == "https" else None,
            maxsize=_KEPT,
            ssl_context=context,
        )

    def _context(self, host: str, port: int) -> ssl.SSLContext:
        """Read certificates when the first server wants them: that takes longer than asking it."""
        trusted = not {host, f"{host}:{port}"}.isdisjoint(self._settings.trusted_hosts)
        if trusted not in self._contexts:
            self._contexts[trusted] = careless() if trusted else trusting(self._settings)
        return self._contexts[trusted]


def _marked(body: Iterable[bytes]) -> Iterator[bytes]:
    """Mark what a body's source raises, so that it stays what it is."""
    try:
        yield from body
    except Exception as error:
        raise _SourceError(error) from error


def _root(error: Exception) -> Exception:
    """Give what urllib3 wraps, which may be wrapped more than once: what the system or the server did."""
    wrapped = (error.__cause__, *error.args) if isinstance(error, HTTPError) else ()
    inner = next((one for one in wrapped if isinstance(one, Exception)), None)
    return error if inner is None else _root(inner)
