"""Where packages come from on this machine, as text for images in the making.

Everything is read from what is configured: apt's sources and settings, pip's files and variables. What they
find in local folders is lent out by a server on loopback, which containers on the host's network reach.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lightship.debs.aptlist import AptSource, read_apt_sources
from lightship.net.pipconf import PipConfig, read_pip_config

SUITE = "bookworm"


def apt_sources(suite: str = SUITE) -> str:
    """The machine's apt sources of one suite, its updates and security included, in deb822 (sources.list(5)).

    Raises:
        RuntimeError: if there are none.

    """
    chosen = [source for source in read_apt_sources(Path("/etc/apt")) if source.suite.split("-")[0] == suite]
    if not chosen:
        raise RuntimeError(f"No apt source of {suite} under /etc/apt: the stand-ins are made of its packages")
    return "\n".join(_stanza(source) for source in chosen)


def _stanza(source: AptSource) -> str:
    fields = {
        "Types": "deb",
        "URIs": source.uri,
        "Suites": source.suite,
        "Components": " ".join(source.components),
        "Signed-By": str(source.keyring or ""),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def apt_settings() -> str:
    """How the machine's apt reaches its sources: proxies, retries, checks of dates."""
    dump = subprocess.run(["apt-config", "dump"], check=True, stdout=subprocess.PIPE, text=True).stdout
    wanted = ("Acquire::http", "Acquire::Check-", "Acquire::Retries")
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith(wanted))


def pip_config() -> PipConfig:
    return read_pip_config(os.environ, home=Path.home(), prefix=Path(sys.prefix))


def pip_text(config: PipConfig) -> str:
    """Write the configuration as a `pip.conf`."""
    options = {
        "index-url": config.index_url,
        "extra-index-url": " ".join(config.extra_index_urls),
        "find-links": " ".join(config.find_links),
        "trusted-host": " ".join(config.trusted_hosts),
        "constraint": " ".join(config.constraints),
        "cert": str(config.cert or ""),
        "proxy": config.proxy,
        "timeout": str(config.timeout or ""),
        "no-index": "true" if config.no_index else "",
        "pre": "true" if config.pre else "",
        "disable-pip-version-check": "true",
    }
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items() if value)


@contextmanager
def lent(config: PipConfig) -> Iterator[PipConfig]:
    """Serve local folders of wheels and indexes on loopback, and point there, while the context lasts."""
    folders = [folder for url in config.find_links if (folder := _local(url))]
    # The pages of an index link to files beside it.
    indexes = [folder.parent for url in config.index_urls if (folder := _local(url))]
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler([*folders, *indexes])) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield replace(
                config,
                index_url=_lend(config.index_url, here),
                extra_index_urls=tuple(_lend(url, here) for url in config.extra_index_urls),
                find_links=tuple(_lend(url, here) for url in config.find_links),
            )
        finally:
            server.shutdown()


def _local(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme not in {"", "file"} or not parts.path:
        return None
    path = Path(unquote(parts.path))
    return path if path.is_absolute() else None


def _lend(url: str, here: str) -> str:
    path = _local(url)
    return f"{here}{quote(str(path))}/" if path else url


def _handler(roots: Sequence[Path]) -> type[SimpleHTTPRequestHandler]:
    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            wanted = Path(os.path.normpath(unquote(urlsplit(path).path)))
            allowed = any(wanted.is_relative_to(root) for root in roots)
            slash = "/" if path.endswith("/") else ""
            return f"{wanted}{slash}" if allowed else os.devnull + "/absent"

        def log_message(self, *_: object) -> None:
            pass

    return Handler
