"""What went wrong between here and a server, said with what to do next."""

from __future__ import annotations

import ssl

import httpx2

from lightship.errors import NetworkError
from lightship.net.redact import redact, redact_text

_HINTS = {
    401: "give credentials in pip's index-url or in ~/.netrc",
    403: "check that your credentials, in pip's index-url or ~/.netrc, may read it",
    404: "check the address; if the file was withdrawn, lock again with `lightship lock --upgrade`",
    407: "give the proxy's user and password in HTTPS_PROXY",
    410: "the file was withdrawn: lock again with `lightship lock --upgrade`",
    429: "the server asks for patience: try again later",
}


def of_status(url: str, response: httpx2.Response) -> NetworkError:
    """Error for an answer that is not the file."""
    status = response.status_code
    said = f"{status} {response.reason_phrase}".strip()
    default = "the server has a problem: try again later" if status >= 500 else "check the address"
    return NetworkError(f"the server answered {said}", where=redact(url), hint=_HINTS.get(status, default))


def of_exception(url: str, error: Exception, *, timeout: float) -> NetworkError:
    """Error for a connection that failed, or a body that broke off."""
    where = redact(url)
    if is_certificate(error):
        hint = "name your certificate bundle in pip's `cert` option or in SSL_CERT_FILE"
        return NetworkError("the server's certificate is not trusted", where=where, hint=hint)
    if isinstance(error, httpx2.TimeoutException):
        hint = "check the network and the proxy, or raise pip's `timeout` option"
        return NetworkError(f"no answer within {timeout:g} s", where=where, hint=hint)
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return NetworkError("this is no URL that can be fetched", where=where, hint="check the address")
    reason = redact_text(str(error)) or type(error).__name__
    broken = isinstance(error, httpx2.ReadError | httpx2.RemoteProtocolError)
    verb = "the connection broke off" if broken else "cannot connect"
    return NetworkError(f"{verb}: {reason}", where=where, hint="check the network, the proxy and the address")


def is_certificate(error: BaseException) -> bool:
    """Whether a TLS certificate was refused, which no second try mends."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    final = httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.ProxyError
    return (
        isinstance(error, httpx2.TransportError)
        and not isinstance(error, final)
        and not is_certificate(error)
    )
