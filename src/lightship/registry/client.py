"""A client for registries, put together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lightship.net.retry import Backoff
from lightship.net.settings import HttpSettings
from lightship.registry.auth import Authorizer
from lightship.registry.certificates import FindCertificates, no_certificates
from lightship.registry.credentials import FindCredential
from lightship.registry.sender import Sender
from lightship.registry.wire import Wire

_NEVER_PROXIED = ("localhost", "127.0.0.1")  # Docker, as all of Go, asks no proxy for these


@contextmanager
def connected(
    settings: HttpSettings,
    find: FindCredential,
    *,
    plain: Collection[str] = (),
    certificates: FindCertificates = no_certificates,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
    now: Callable[[], float] = time.time,
) -> Iterator[Wire]:
    """Give a client that may be shared between threads; its connections end with the block.

    Args:
        settings: certificates, proxies, patience. Hosts that pip trusts without TLS are not trusted here.
        find: gives credentials.
        certificates: finds what counts for single registries.
        plain: registries, beside those on this machine, that may be spoken to without TLS.
        sleep: waits for seconds.
        jitter: a number from 0 to 1, by which waits differ.
        now: seconds since 1970.

    """
    backoff = Backoff(settings.attempts, sleep, jitter, now)
    direct = (*settings.no_proxy, *_NEVER_PROXIED)
    sender = Sender(replace(settings, trusted_hosts=(), no_proxy=direct), backoff, certificates)
    try:
        yield Wire(sender, Authorizer(sender, find, now), plain)
    finally:
        sender.close()
