"""URLs without what must not be shown: no credential reaches a message, a log line or a lock."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?<=[^\s?])\?[^\s)\"']+")


def strip_credentials(url: str) -> str:
    """`url` without user and password (RFC 3986, section 3.2.1)."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def userinfo(url: str) -> tuple[str, str] | None:
    """User and password that `url` carries, percent-decoded."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    name, _, password = user.partition(":")
    return (unquote(name), unquote(password)) if at else None


def redact(url: str) -> str:
    """`url` fit for a message: no user, no password, and no query, where signed URLs keep their tokens."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=netloc, query="…" if parts.query else "", fragment=""))


def redact_text(text: str) -> str:
    """Free text, such as another program's output, with every URL in it redacted."""
    words = re.split(r"(\s+)", _USERINFO.sub("", text))
    return "".join(_QUERY.sub("?…", word) if "://" in word else word for word in words)
