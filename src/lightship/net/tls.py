"""Whose certificates are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from lightship.errors import UsageError
from lightship.net.settings import HttpSettings

_BUNDLES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem")
"""Where systems other than Debian keep theirs: a Python built elsewhere may not know."""


def trusting(settings: HttpSettings) -> ssl.SSLContext:
    """Trust what is configured, else what the system does; `SSL_CERT_*` of the process is not read.

    Raises:
        UsageError: if the bundle or the client certificate cannot be read.

    """
    where = str(settings.cert)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load(context, settings.cert)
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


def careless() -> ssl.SSLContext:
    """For hosts that the user named as trusted (pip's `trusted-host`); digests still guard what they send."""
    disable_warnings(InsecureRequestWarning)  # urllib3 gives one for each request
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _load(context: ssl.SSLContext, cert: Path | None) -> None:
    if cert is not None:
        context.load_verify_locations(*((None, cert) if cert.is_dir() else (cert, None)))
        return
    known = ssl.get_default_verify_paths()
    file = next((path for path in (known.openssl_cafile, *_BUNDLES) if Path(path).is_file()), None)
    folder = known.openssl_capath if Path(known.openssl_capath).is_dir() else None
    if file or folder:
        context.load_verify_locations(file, folder)
