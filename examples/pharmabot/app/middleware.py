"""Around every request: its id, its log line, its size limit, and the last net for exceptions."""

import re
import time
import uuid

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.failures import failure

_HEADER = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PROBES = frozenset({"/health", "/ready"})
_log = structlog.stdlib.get_logger(__name__)


class RequestContext:
    """Gives each request an id, in the log and in the response, and logs how it went."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever is raised further in ends here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get(_HEADER))
        exchange = _Exchange(send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answer(scope, receive, exchange)
            _log_request(scope, exchange)

    async def _answer(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, receive, exchange.send)
        except Exception:
            _log.exception("request_failed")
            if exchange.status:
                raise  # part of a response is out: only closing the connection can tell the client
            response = failure(500, "internal_error", "the service failed; its log has the details")
            await response(scope, receive, exchange.send)


class BodyLimit:
    """Refuses bodies above a size, whether or not they announce it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is received; FastAPI turns the exception into the response."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, f"the body is larger than {self._max_bytes} bytes")
            return message

        await self._app(scope, counted, send)


class _Exchange:
    """Sends the response with its id, and remembers what was sent and when it began."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.started = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[_HEADER] = self._request_id
        await self._send(message)


def _request_id(given: str | None) -> str:
    return given if given and _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _log_request(scope: Scope, exchange: _Exchange) -> None:
    log = _log.debug if scope["path"] in _PROBES else _log.info
    milliseconds = round((time.perf_counter() - exchange.started) * 1000, 1)
    log(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=exchange.status,
        duration_ms=milliseconds,
    )
