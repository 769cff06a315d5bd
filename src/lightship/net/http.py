"""The network: `http`, `https` and `file`, with retries, ranges and no secrets in messages."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lightship.net.credentials import Credentials, anonymous
from lightship.net.local import local_path, open_local
from lightship.net.ranges import cut, range_header, skip_of
from lightship.net.redact import redact, strip_credentials, userinfo
from lightship.net.retry import Backoff, is_transient
from lightship.net.settings import HttpSettings

if TYPE_CHECKING:
    import httpx2

__all__ = ["HttpTransport", "redact"]


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
            skip = skip_of(response.status_code, content_range, start, where=redact(url))
            yield cut(self._body(url, response), skip=skip, length=None if end is None else end - start)
        finally:
            response.close()

    def close(self) -> None:
        """Close every connection."""
        if "_client" in vars(self):
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _client(self) -> httpx2.Client:
        from lightship.net.client import make_client

        return make_client(self._settings)

    def _shared_client(self) -> httpx2.Client:
        with self._opening:  # cached_property alone may build two, and one pool would be lost
            return self._client

    def _respond(self, url: str, headers: dict[str, str]) -> httpx2.Response:
        from lightship.net import failures
        from lightship.net.client import HTTP_ERRORS

        for attempt in range(1, self._settings.attempts + 1):
            try:
                response = self._send(url, headers)
            except HTTP_ERRORS as error:
                failure = failures.of_exception(url, error, timeout=self._settings.timeout)
                if not failures.is_passing(error) or not self._backoff.wait(attempt):
                    raise failure from error
                continue
            if response.status_code in {200, 206}:
                return response
            response.close()
            asked = response.headers.get("Retry-After", "")
            if not is_transient(response.status_code) or not self._backoff.wait(attempt, asked):
                raise failures.of_status(url, response)
        raise AssertionError  # the last attempt returns or raises

    def _send(self, url: str, headers: dict[str, str]) -> httpx2.Response:
        client = self._shared_client()
        request = client.build_request("GET", strip_credentials(url), headers=headers)
        return client.send(request, stream=True, auth=userinfo(url) or self._credentials(url))

    def _body(self, url: str, response: httpx2.Response) -> Iterator[bytes]:
        from lightship.net import failures
        from lightship.net.client import HTTP_ERRORS

        try:
            yield from response.iter_raw()
        except HTTP_ERRORS as error:
            raise failures.of_exception(url, error, timeout=self._settings.timeout) from error
