"""The places that a resolution looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lightship.events import Reporter
from lightship.net.credentials import read_credentials
from lightship.net.http import HttpTransport
from lightship.net.local import local_path
from lightship.net.pipconf import PipConfig
from lightship.net.redact import redact
from lightship.net.settings import http_settings
from lightship.wheels.request import ResolveRequest
from lightship.wheels.requirements import RequirementLine, find_links, index_urls

_LOOKUP_SECONDS = 10.0


def usable(pip: PipConfig, *, folder: Path, environ: Mapping[str, str], reporter: Reporter) -> PipConfig:
    """Leave out of pip's configuration what the user set for uv itself, and folders that are not there.

    A missing folder is no error for pip; uv would stop.
    """
    links = []
    for link in pip.find_links:
        place = _place(link, folder)
        if place is None or place.exists():
            links.append(link if place is None or "://" in link else str(place))
        else:
            reporter.warn(f"find-links names {place}, which does not exist: passed over")
    pip = replace(pip, find_links=tuple(links))
    if environ.get("UV_FIND_LINKS"):
        pip = replace(pip, find_links=())
    if environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL"):
        pip = replace(pip, index_url="")
    if environ.get("UV_INDEX") or environ.get("UV_EXTRA_INDEX_URL"):
        pip = replace(pip, extra_index_urls=())
    return pip


def torch_places(
    request: ResolveRequest, lines: Sequence[RequirementLine], pip: PipConfig
) -> tuple[list[str], list[str]]:
    """Links and indexes on which to look for a build of PyTorch; only local ones when offline."""
    links = [*pip.find_links, *find_links(lines)]
    if not request.offline:
        return links, list(dict.fromkeys((*pip.index_urls, *index_urls(lines))))
    return [link for link in links if _place(link, request.folder)], []


def searched(lines: Sequence[RequirementLine], pip: PipConfig) -> list[str]:
    """What a resolution looks at, for messages: no credentials."""
    default = [] if pip.index_url or pip.no_index else ["the default index"]
    indexes = [] if pip.no_index else [*pip.index_urls, *index_urls(lines)]
    return [*default, *(redact(place) for place in (*indexes, *pip.find_links, *find_links(lines)))]


def lookup_transport(pip: PipConfig, environ: Mapping[str, str]) -> HttpTransport:
    """A transport for looking at an index: it does not insist, since uv asks again and reports."""
    settings = replace(http_settings(pip, environ), attempts=1, timeout=_LOOKUP_SECONDS)
    home = Path(environ.get("HOME", "/"))
    return HttpTransport(settings, credentials=read_credentials(pip, environ=environ, home=home))


def _place(link: str, folder: Path) -> Path | None:
    return local_path(link) if "://" in link else folder / link
