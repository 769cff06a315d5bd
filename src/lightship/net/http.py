"""The network: `http`, `https` and `file`, with retries, ranges and no secrets in messages."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from lightship.errors import NetworkError
from lightship.net.credentials import Credentials, anonymous, basic
from lightship.net.local import local_path, open_local
from lightship.net.ranges import cut, range_header, skip_of
from lightship.net.redact import redact, strip_credentials, userinfo
from lightship.net.retry import Backoff, is_transient
from lightship.net.settings import HttpSettings

if TYPE_CHECKING:
    from lightship.net.connections import Connections, Response

__all__ = ["HttpTransport", "redact"]

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 20


class HttpTransport:
    """A `Transport` over one pool of connections; safe to share between threads.

    A request that fails before its body begins is sent again where that may help: a connection refused or
    reset, a time-out, 408, 429 and 5xx. A body that breaks off is an error; `fetch_file` resumes it.
    """

    def __init__(
        self,
        settings: HttpSettings | None = None,
        *,
        credentials: Credentials = anonymous,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or HttpSettings()
        self._credentials = credentials
        self._backoff = Backoff(self._settings.attempts, sleep, jitter, now)
        self._opening = threading.Lock()
        self._connections: Connections | None = None

    @contextmanager
    def stream(self, url: str, *, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        """Open `url` and yield its body, from byte `start` up to but without byte `end`.

        Raises:
            NetworkError: unreachable, an error status, or a body that breaks off.
            UsageError: if certificates or proxies are configured wrongly.

        """
        path = local_path(url)
        if path is not None:
            with open_local(path, start=start, end=end) as chunks:
                yield chunks
            return
        response = self._respond(url, range_header(start, end))
        try:
            content_range = response.headers.get("Content-Range", "")
            skip = skip_of(response.status, content_range, start, where=redact(url))
            yield cut(self._body(url, response), skip=skip, length=None if end is None else end - start)
        finally:
            response.close()

    def close(self) -> None:
        """Close every connection."""
        if self._connections is not None:
            self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pool(self) -> Connections:
        with self._opening:
            if self._connections is None:
                from lightship.net.connections import Connections

                self._connections = Connections(self._settings)
            return self._connections

    def _respond(self, url: str, headers: dict[str, str]) -> Response:
        from lightship.net import failures
        from lightship.net.connections import HttpError

        for attempt in range(1, self._settings.attempts + 1):
            try:
                response = self._send(url, headers)
            except HttpError as error:
                failure = failures.of_exception(url, error, timeout=self._settings.timeout)
                if not failures.is_passing(error) or not self._backoff.wait(attempt):
                    raise failure from error
                continue
            if response.status in {200, 206}:
                return response
            response.close()
            asked = response.headers.get("Retry-After", "")
            if not is_transient(response.status) or not self._backoff.wait(attempt, asked):
                raise failures.of_status(url, response)
        raise AssertionError  # the last attempt returns or raises

    def _send(self, url: str, headers: dict[str, str]) -> Response:
        """Send a request, and follow redirects; credentials stay with the server they are for."""
        from lightship.net.connections import Outgoing

        pair = userinfo(url) or self._credentials(url)
        ours = {"Authorization": basic(*pair)} if pair is not None else {}
        origin, target = urlsplit(strip_credentials(url))[:2], strip_credentials(url)
        for _ in range(_MOST_REDIRECTS):
            kept = ours if urlsplit(target)[:2] == origin else {}
            response = self._pool().send(Outgoing("GET", target, {**headers, **kept}))
            if response.status not in _REDIRECTS or "Location" not in response.headers:
                return response
            response.close()
            target = strip_credentials(urljoin(target, response.headers["Location"]))
        raise NetworkError(
            "the server sends us in circles", where=redact(target), hint="check the address, or use another"
        )

    def _body(self, url: str, response: Response) -> Iterator[bytes]:
        from lightship.net import failures
        from lightship.net.connections import HttpError

        try:
            yield from response.iter_raw()
        except HttpError as error:
            raise failures.of_exception(url, error, timeout=self._settings.timeout) from error
