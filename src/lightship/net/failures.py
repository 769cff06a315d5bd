"""What went wrong between here and a server, said with what to do next."""

from __future__ import annotations

import ssl
from http.client import RemoteDisconnected

from urllib3.exceptions import IncompleteRead, LocationValueError

from lightship.errors import NetworkError
from lightship.net.connections import HttpError, Response
from lightship.net.redact import redact, redact_text

_HINTS = {
    401: "give credentials in pip's index-url or in ~/.netrc",
    403: "check that your credentials, in pip's index-url or ~/.netrc, may read it",
    404: "check the address; if the file was withdrawn, lock again with `lightship lock --upgrade`",
    407: "give the proxy's user and password in HTTPS_PROXY",
    410: "the file was withdrawn: lock again with `lightship lock --upgrade`",
    429: "the server asks for patience: try again later",
}
_NO_TUNNEL = "Tunnel connection failed"  # how http.client begins what a proxy refuses


def of_status(url: str, response: Response) -> NetworkError:
    """Error for an answer that is not the file."""
    status = response.status
    said = f"{status} {response.reason}".strip()
    default = "the server has a problem: try again later" if status >= 500 else "check the address"
    return NetworkError(f"the server answered {said}", where=redact(url), hint=_HINTS.get(status, default))


def of_exception(url: str, error: HttpError, *, timeout: float) -> NetworkError:
    """Error for a connection that failed, or a body that broke off."""
    where, cause = redact(url), error.cause
    if is_certificate(cause):
        hint = "name your certificate bundle in pip's `cert` option or in SSL_CERT_FILE"
        return NetworkError("the server's certificate is not trusted", where=where, hint=hint)
    if isinstance(cause, TimeoutError):
        hint = "check the network and the proxy, or raise pip's `timeout` option"
        return NetworkError(f"no answer within {timeout:g} s", where=where, hint=hint)
    if isinstance(cause, LocationValueError):
        return NetworkError("this is no URL that can be fetched", where=where, hint="check the address")
    reason = _reason(cause)
    broken = error.begun or isinstance(cause, RemoteDisconnected | ConnectionResetError)
    verb = "the connection broke off" if broken else "cannot connect"
    asked = reason.startswith(f"{_NO_TUNNEL}: 407")
    hint = _HINTS[407] if asked else "check the network, the proxy and the address"
    return NetworkError(f"{verb}: {reason}", where=where, hint=hint)


def _reason(cause: Exception) -> str:
    if isinstance(cause, IncompleteRead):
        return f"{cause.expected} bytes are missing"
    return redact_text(str(cause)) or type(cause).__name__


def is_certificate(error: BaseException) -> bool:
    """Whether a TLS certificate was refused, which no second try mends."""
    return isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error)


def is_passing(error: HttpError) -> bool:
    """Whether the same request may succeed a moment later."""
    cause = error.cause
    refused = str(cause).startswith(_NO_TUNNEL)
    return not (isinstance(cause, LocationValueError) or refused or is_certificate(cause))
