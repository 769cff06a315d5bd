"""Single requests over kept connections (HTTP/1.1), on the standard library's client.

A library that does more takes 0.1 s to import, a third of what it took to push a change of an application:
docs/design.md, "Registries". Redirects, repetition and rights belong to whoever asks.
"""

from __future__ import annotations

import contextlib
import select
import ssl
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, InvalidURL
from threading import Lock
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

from lightship import __version__
from lightship.errors import UsageError
from lightship.net.proxies import Proxy, choose_proxy
from lightship.net.settings import HttpSettings
from lightship.net.tls import careless, trusting

_PORTS = {"http": 80, "https": 443}
_PIECE = 1 << 16  # bytes that are read at once
_FAILURES = (OSError, HTTPException)
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


class _Server(NamedTuple):
    """What connections are kept under."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request; a `body` of `size` bytes is sent as it comes. `timeout` is in seconds, for each wait."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Iterable[bytes] | None = None
    size: int = 0
    timeout: float | None = None


class Response:
    """An answer whose body is still to be read; whoever got it closes it."""

    def __init__(self, pool: Connections, server: _Server, connection: HTTPConnection, url: str) -> None:
        self._pool, self._server, self._connection = pool, server, connection
        self._answer: HTTPResponse = connection.getresponse()
        self.url = url
        self.status = self._answer.status
        self.reason = self._answer.reason
        self.headers: Message = self._answer.headers

    def iter_raw(self) -> Iterator[bytes]:
        """Yield the body as it was sent.

        Raises:
            HttpError: if it breaks off.

        """
        try:
            while piece := self._answer.read(_PIECE):
                yield piece
            if self._answer.length:
                raise HTTPException(f"{self._answer.length} bytes are missing")
        except _FAILURES as error:
            raise HttpError(error, begun=True) from error

    def close(self) -> None:
        """Keep the connection for the next request if nothing is left to read."""
        connection, whole = self._connection, self._answer.isclosed() and not self._answer.will_close
        self._answer.close()
        if whole:
            self._pool.keep(self._server, connection)
        else:
            connection.close()


class Connections:
    """A pool of connections, safe to share between threads; reads nothing from the process's environment."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._idle: dict[_Server, list[HTTPConnection]] = defaultdict(list)
        self._contexts: dict[bool, ssl.SSLContext] = {}

    def send(self, request: Outgoing) -> Response:
        """Send a request and give its answer, whatever its status.

        Raises:
            HttpError: no answer, or this is no URL.
            UsageError: if certificates or the proxy are configured wrongly.

        """
        try:
            server, target = self._find(request.url)
        except (ValueError, InvalidURL) as error:
            raise HttpError(InvalidURL(str(error))) from error
        connection = self._take(server) or self._make(server)
        timeout = request.timeout or self._settings.timeout
        try:
            with _failing():
                _begin(connection, server, target, request, timeout)
            _send_body(connection, request.body or ())
            with _failing():
                return Response(self, server, connection, request.url)
        except BaseException:
            connection.close()
            raise

    def keep(self, server: _Server, connection: HTTPConnection) -> None:
        with self._lock:
            self._idle[server].append(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection that nobody uses."""
        with self._lock:
            for connection in (one for kept in self._idle.values() for one in kept):
                connection.close()
            self._idle.clear()

    def _find(self, url: str) -> tuple[_Server, str]:
        """Give the server, and what to ask it for: of a proxy, a whole URL (RFC 9112, section 3.2.2)."""
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in _PORTS or not host:
            raise InvalidURL("not http or https")
        port = parts.port or _PORTS[parts.scheme]
        proxy = choose_proxy(self._settings, parts.scheme, host, port)
        path = quote(parts.path or "/", safe="%/:=&?~#+!$,;'@()*[]")
        query = quote(parts.query, safe="%/:=&?~#+!$,;'@()*[]")
        target = f"{path}?{query}" if query else path
        if proxy is not None and parts.scheme == "http":
            target = f"http://{parts.netloc.rpartition('@')[2]}{target}"
        return _Server(parts.scheme, host, port, proxy), target

    def _take(self, server: _Server) -> HTTPConnection | None:
        """Give a kept connection; one on which something comes unasked has been closed by the server."""
        while True:
            with self._lock:
                kept = self._idle[server]
                connection = kept.pop() if kept else None
            if connection is None or not _is_readable(connection):
                return connection
            connection.close()

    def _make(self, server: _Server) -> HTTPConnection:
        proxy, timeout = server.proxy, self._settings.timeout
        if server.scheme == "http":
            if proxy is not None and proxy.scheme == "https":
                context = self._context(proxy.host, proxy.port)
                return HTTPSConnection(proxy.host, proxy.port, timeout=timeout, context=context)
            near = (proxy.host, proxy.port) if proxy is not None else (server.host, server.port)
            return HTTPConnection(*near, timeout=timeout)
        context = self._context(server.host, server.port)
        secure = partial(HTTPSConnection, timeout=timeout, context=context)
        if proxy is None:
            return secure(server.host, server.port)
        if proxy.scheme == "https":
            raise UsageError(
                "no server with TLS can be reached through a proxy with TLS",
                where=f"https://{proxy.host}:{proxy.port}",
                hint="write the proxy's URL as http://host:port",
            )
        connection = secure(proxy.host, proxy.port)
        connection.set_tunnel(server.host, server.port, dict(proxy.headers))
        return connection

    def _context(self, host: str, port: int) -> ssl.SSLContext:
        """Read certificates when the first server wants them: that takes longer than asking it."""
        trusted = not {host, f"{host}:{port}"}.isdisjoint(self._settings.trusted_hosts)
        with self._lock:
            if trusted not in self._contexts:
                self._contexts[trusted] = careless() if trusted else trusting(self._settings)
            return self._contexts[trusted]


def _begin(
    connection: HTTPConnection, server: _Server, target: str, request: Outgoing, timeout: float
) -> None:
    if connection.sock is None:
        connection.connect()
    connection.sock.settimeout(timeout)
    connection.putrequest(request.method, target, skip_accept_encoding=True)
    through = server.proxy.headers if server.proxy is not None and server.scheme == "http" else {}
    length = {"Content-Length": str(request.size)} if request.body is not None else {}
    for name, value in {**_HEADERS, **through, **request.headers, **length}.items():
        connection.putheader(name, value)
    connection.endheaders()


def _send_body(connection: HTTPConnection, body: Iterable[bytes]) -> None:
    """Send all, or until the server has heard enough: it may refuse without reading on, and say why."""
    for chunk in body:
        try:
            with _failing():
                connection.send(chunk)
        except HttpError as error:
            if isinstance(error.cause, ConnectionError):
                return
            raise


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Mark what the network did; what a body's source does stays what it is."""
    try:
        yield
    except _FAILURES as error:
        raise HttpError(error) from error


def _is_readable(connection: HTTPConnection) -> bool:
    if connection.sock is None:
        return True
    with contextlib.suppress(ValueError):  # a closed socket
        waiting = select.poll()
        waiting.register(connection.sock, select.POLLIN)
        return bool(waiting.poll(0))
    return True
