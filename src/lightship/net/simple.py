"""Package indexes (PEP 503) and pages of links, as far as finding file names goes."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from lightship.net.download import fetch_bytes
from lightship.net.transport import Transport

_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class Link:
    """A file that a page offers."""

    filename: str
    url: str


def read_links(transport: Transport, url: str) -> list[Link]:
    """Files linked from an HTML page.

    Raises:
        NetworkError: if the page cannot be read.

    """
    page = _Anchors(url)
    page.feed(fetch_bytes(transport, url, limit=_LIMIT).decode("utf-8", "replace"))
    page.close()
    return page.links


def project_page(index_url: str, name: str) -> str:
    """Address of a project's page; `name` is normalised (PEP 503)."""
    page = f"{index_url.rstrip('/')}/{name}/"
    return f"{page}index.html" if urlsplit(index_url).scheme == "file" else page


class _Anchors(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._base = url

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "base" and href:
            self._base = urljoin(self._base, href)
        elif tag == "a" and href:
            url = urljoin(self._base, href)
            self.links.append(Link(unquote(urlsplit(url).path.rpartition("/")[2]), url))
