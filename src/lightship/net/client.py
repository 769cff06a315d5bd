"""The HTTP client behind `HttpTransport`; importing this is slow, so it happens at the first request."""

from __future__ import annotations

import ssl

import httpx2

from lightship import __version__
from lightship.errors import UsageError
from lightship.net.settings import HttpSettings

HTTP_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError)


def make_client(settings: HttpSettings) -> httpx2.Client:
    """A pooled client, safe to share between threads, that reads nothing from the process's environment.

    Raises:
        UsageError: if the certificate bundle, the client certificate or a proxy's URL cannot be used.

    """
    secure = _context(settings)
    mounts = _mounts(settings, secure)
    return httpx2.Client(
        verify=secure,
        mounts=mounts,
        timeout=settings.timeout,
        follow_redirects=True,
        trust_env=False,
        # A body that the server compresses once more would not have the digest that the lock holds.
        headers={"User-Agent": f"lightship/{__version__}", "Accept-Encoding": "identity"},
    )


def _mounts(settings: HttpSettings, secure: ssl.SSLContext) -> dict[str, httpx2.BaseTransport | None]:
    """Transports by URL pattern; the most specific pattern counts, None stands for the plain one."""
    proxies = {} if "*" in settings.no_proxy else settings.proxies
    mounts: dict[str, httpx2.BaseTransport | None] = {}
    for scheme, url in proxies.items():
        mounts[f"{scheme}://"] = httpx2.HTTPTransport(verify=secure, proxy=_proxy(url))
    for host in settings.no_proxy:
        mounts[_pattern(host)] = None
    for host in settings.trusted_hosts:
        url = proxies.get("https") or proxies.get("all", "")
        mounts[f"all://{host}"] = httpx2.HTTPTransport(verify=_careless(), proxy=_proxy(url) if url else None)
    return mounts


def _pattern(host: str) -> str:
    """A `NO_PROXY` entry as the client matches it: a domain means itself and all below it, as in curl."""
    bare = host.removeprefix("*").removeprefix(".")
    is_address = ":" in bare or bare.replace(".", "").isdecimal()
    return f"all://{bare}" if is_address else f"all://*{bare}"


def _proxy(url: str) -> httpx2.Proxy:
    try:
        return httpx2.Proxy(url)
    except (ValueError, httpx2.InvalidURL) as error:
        raise UsageError("the proxy's URL cannot be used", hint="write it as http://host:port") from error


def _context(settings: HttpSettings) -> ssl.SSLContext:
    where = str(settings.cert)
    try:
        context = _trusting(settings)
        if settings.client_cert:
            where = str(settings.client_cert)
            context.load_cert_chain(settings.client_cert)
        for authority in settings.more.authorities:
            where = str(authority)
            context.load_verify_locations(authority)
        for certificate, key in settings.more.own:
            where = str(certificate)
            context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            "the certificate cannot be read",
            where=where,
            hint="check pip's `cert` option, SSL_CERT_FILE, or the file",
        ) from error
    return context


def _trusting(settings: HttpSettings) -> ssl.SSLContext:
    if settings.cert is None:
        return httpx2.create_ssl_context(trust_env=False)
    if settings.cert.is_dir():
        return ssl.create_default_context(capath=settings.cert)
    return ssl.create_default_context(cafile=settings.cert)


def _careless() -> ssl.SSLContext:
    """For hosts that the user named as trusted (pip's `trusted-host`); digests still guard what they send."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
