"""pip in the builder: what it is told by the secret `pip`, and what is lent to it from this machine.

The builder sees neither this machine's folders nor its certificates. Wheels of local folders, and the
certificates that pip is configured for, lie in the context instead, and are mounted where pip's configuration
is; they are in no layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from lightship.net.credentials import Credentials
from lightship.net.local import local_path
from lightship.net.pipconf import PipConfig
from lightship.net.redact import userinfo

SECRET = "pip"  # noqa: S105 - the secret's ID
FOLDER = "docker/lent"
_PLACE = "/run/lightship"
_CERTIFICATES = "certificates.pem"
_MOUNT = "--mount=type=secret,id=pip,"


@dataclass(frozen=True, slots=True)
class PipInBuilder:
    """pip's configuration, empty where pip has none, and files by their names in `FOLDER`."""

    text: str = field(repr=False)
    files: Mapping[str, Path]

    def lend(self, dockerfile: str) -> str:
        """Mount the files wherever pip gets its configuration."""
        if not self.files:
            return dockerfile
        return dockerfile.replace(_MOUNT, f"--mount=type=bind,source={FOLDER},target={_PLACE} {_MOUNT}")


def pip_in_builder(pip: PipConfig, archives: Mapping[str, Path], credentials: Credentials) -> PipInBuilder:
    """Write pip's configuration as the builder must have it.

    Args:
        pip: the machine's.
        archives: wheels and sources from local folders, by filename.
        credentials: what pip would find in netrc goes into the URLs, since the builder has none.

    """
    remote = [url for url in pip.find_links if _is_remote(url)]
    certificates = pip.cert is not None and pip.cert.is_file()
    options = {
        "index-url": _urls([pip.index_url], credentials),
        "extra-index-url": _urls(pip.extra_index_urls, credentials),
        "find-links": " ".join([_urls(remote, credentials), *([_PLACE] if archives else [])]).strip(),
        "trusted-host": " ".join(pip.trusted_hosts),
        "cert": f"{_PLACE}/{_CERTIFICATES}" if certificates else "",
        "proxy": pip.proxy,
        "timeout": str(pip.timeout or ""),
        "no-index": "true" if pip.no_index else "",
    }
    lines = [f"{name} = {value}\n" for name, value in options.items() if value]
    own = {_CERTIFICATES: pip.cert} if certificates and pip.cert else {}
    return PipInBuilder("".join(["[global]\n", *lines]) if lines else "", {**archives, **own})


def _urls(urls: Iterable[str], credentials: Credentials) -> str:
    return " ".join(_with_credentials(url, credentials) for url in urls if _is_remote(url))


def _is_remote(url: str) -> bool:
    return "://" in url and local_path(url) is None


def _with_credentials(url: str, credentials: Credentials) -> str:
    found = None if userinfo(url) else credentials(url)
    if found is None:
        return url
    parts = urlsplit(url)
    user, password = (quote(word, safe="") for word in found)
    return parts._replace(netloc=f"{user}:{password}@{parts.netloc}").geturl()
