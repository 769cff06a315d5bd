"""Failures as clients see them: a status, a code, a reason, and never the inside of the service."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import RefusedError, UnavailableError

_RETRY_AFTER = "5"
_log = structlog.stdlib.get_logger(__name__)


def failure(status: int, code: str, message: str, **more: Any) -> JSONResponse:
    """Return the body that every failure has."""
    return JSONResponse({"error": {"code": code, "message": message, **more}}, status)


def install(app: FastAPI) -> None:
    """Teach the application to answer each kind of failure."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(UnavailableError, _unavailable)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows what Starlette types loosely
    details = [{"field": _field(item["loc"]), "message": item["msg"]} for item in error.errors()]
    return failure(422, "invalid_request", "the request is not valid", details=details)


def _field(location: tuple[str | int, ...]) -> str:
    # A client may name a field by half a surrogate pair, which UTF-8 cannot carry back.
    return ".".join(str(part) for part in location).encode(errors="replace").decode()


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = HTTPStatus(error.status_code).name.lower()
    response = failure(error.status_code, code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _refused(_: Request, error: Exception) -> JSONResponse:
    _log.info("request_refused", reason=str(error))
    return failure(422, "refused", str(error))


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnavailableError)  # noqa: S101
    _log.error("dependency_unavailable", **error.fields())
    response = failure(503, "unavailable", str(error), dependency=error.dependency)
    response.headers["Retry-After"] = _RETRY_AFTER
    return response
