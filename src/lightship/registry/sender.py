"""One request, sent as often as that may help, and followed to where its answer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from lightship.errors import NetworkError
from lightship.net import failures
from lightship.net.connections import Connections, HttpError, Outgoing
from lightship.net.redact import redact
from lightship.net.retry import Backoff, is_transient
from lightship.net.settings import HostCertificates, HttpSettings
from lightship.registry.answers import refusal
from lightship.registry.certificates import FindCertificates, no_certificates
from lightship.registry.exchange import Answer, Request, Stream, finish, passing, read_stream

Result = TypeVar("Result")

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 5
_SLOW = 600.0
"""Seconds that a registry may take to answer once it has a blob: it hashes and moves gigabytes."""


class Sender:
    """Sends requests over one pool of connections; safe to share between threads.

    Sent again are, after a growing and jittered wait: requests without an answer (a connection refused, reset
    or timed out) and those answered with 408, 429 or 5xx, for which `Retry-After` counts.
    """

    def __init__(
        self, settings: HttpSettings, backoff: Backoff, certificates: FindCertificates = no_certificates
    ) -> None:
        self.backoff = backoff
        self._settings = settings
        self._find = certificates
        self._found: dict[str, HostCertificates] = {}
        self._pools: dict[HostCertificates, Connections] = {}
        self._opening = Lock()

    def open(self, request: Request) -> Stream:
        """Send a request and give its answer, whatever its status.

        Raises:
            NetworkError: unreachable, or a redirect that cannot be followed.
            PassingError: no answer, or a passing problem, where the request must not be repeated.

        """
        return self._repeat(request, lambda stream: stream)

    def read(self, request: Request) -> Answer:
        """Send a request and read its answer; one that breaks off is asked for again.

        Raises:
            NetworkError: as `open` does, and for an answer longer than `LARGEST_DOCUMENT`.
            PassingError: as `open` does.

        """
        return self._repeat(request, read_stream)

    def try_once(self, request: Request) -> Answer | None:
        """Send a request once; None where that gives no answer."""
        try:
            return read_stream(self._follow(request))
        except (HttpError, NetworkError):
            return None

    def failure(self, url: str, error: HttpError) -> NetworkError:
        return failures.of_exception(url, error, timeout=self._settings.timeout)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: str) -> Connections:
        """Give the connections of a host: of all hosts without certificates of their own, the same ones."""
        host = urlsplit(url).netloc.rpartition("@")[2]
        with self._opening:
            if host not in self._found:
                self._found[host] = self._find(host)
            more = self._found[host]
            if more not in self._pools:
                self._pools[more] = Connections(replace(self._settings, more=more))
            return self._pools[more]

    def _repeat(self, request: Request, use: Callable[[Stream], Result]) -> Result:
        attempt = 0
        while True:
            attempt += 1
            try:
                stream = self._follow(request)
                if not is_transient(stream.status):
                    return use(stream)
                failure, asked = refusal(finish(stream)), stream.headers.get("Retry-After", "")
            except HttpError as error:
                failure, asked = self.failure(request.url, error), ""
                if not failures.is_passing(error):
                    raise failure from error
            if not request.repeated:
                raise passing(failure, asked)
            if not self.backoff.wait(attempt, asked):
                raise failure

    def _follow(self, request: Request) -> Stream:
        """Send, and follow redirects; credentials stay with the server they are for."""
        origin = urlsplit(request.url)[:2]
        for _ in range(_MOST_REDIRECTS):
            stream = self._send(request)
            if not _is_redirect(request.method, stream):
                return stream
            stream.close()
            url = urljoin(request.url, stream.headers["Location"])
            if origin[0] == "https" and not url.startswith("https:"):
                raise NetworkError(
                    "the registry sends us on without TLS", where=redact(url), hint="ask its operator"
                )
            kept = request.headers if urlsplit(url)[:2] == origin else without_credentials(request.headers)
            request = replace(request, url=url, headers=kept)
        raise NetworkError(
            "the registry sends us in circles", where=redact(request.url), hint="ask its operator"
        )

    def _send(self, request: Request) -> Stream:
        return self._pool(request.url).send(
            Outgoing(
                request.method,
                request.url,
                request.headers,
                request.body() if request.body is not None else None,
                request.size,
                _SLOW if request.slow else None,
            )
        )


def without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "authorization"}


def _is_redirect(method: str, stream: Stream) -> bool:
    """A request that changes something is only sent on where its method stays (RFC 9110, section 15.4)."""
    allowed = _REDIRECTS if method in ("GET", "HEAD") else {307, 308}
    return stream.status in allowed and "Location" in stream.headers
