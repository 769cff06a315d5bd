"""Users and passwords for hosts, from where pip takes them; locks carry none."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from lightship.errors import UsageError
from lightship.net.pipconf import PipConfig
from lightship.net.redact import userinfo

if TYPE_CHECKING:
    import netrc

Credentials: TypeAlias = Callable[[str], tuple[str, str] | None]
"""Gives user and password for a URL, or None."""


def anonymous(url: str) -> None:
    """Credentials of nobody."""


def basic(user: str, password: str) -> str:
    """Give the header of RFC 7617."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def read_credentials(config: PipConfig, *, environ: Mapping[str, str], home: Path) -> Credentials:
    """Credentials from the URLs in pip's configuration, by host, then from netrc.

    Raises:
        UsageError: if the netrc file cannot be parsed.

    """
    urls = (config.index_url, *config.extra_index_urls, *config.find_links)
    known = {_place(url): found for url in urls if (found := userinfo(url))}
    file = _netrc(environ, home)

    def find(url: str) -> tuple[str, str] | None:
        entry = file.authenticators(urlsplit(url).hostname or "") if file else None
        return known.get(_place(url)) or ((entry[0], entry[2] or "") if entry else None)

    return find


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _netrc(environ: Mapping[str, str], home: Path) -> netrc.netrc | None:
    import netrc

    chosen = environ.get("NETRC")
    for path in (Path(chosen),) if chosen else (home / ".netrc", home / "_netrc"):
        try:
            return netrc.netrc(str(path))
        except OSError:
            continue
        except netrc.NetrcParseError as error:
            raise UsageError(
                f"line {error.lineno} cannot be read", where=str(path), hint="mend the file"
            ) from error
    return None
