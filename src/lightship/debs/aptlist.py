"""apt's own source lists, in both formats (sources.list(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>\S.*)"
)


@dataclass(frozen=True, slots=True)
class AptSource:
    """One suite of binary packages that apt would read; `uri` has no trailing slash."""

    uri: str
    suite: str
    components: tuple[str, ...]
    keyring: Path | None = None


def read_apt_sources(root: Path) -> list[AptSource]:
    """Read every source under `root` (`/etc/apt`), in apt's order."""
    files = [root / "sources.list", *sorted((root / "sources.list.d").glob("*"))]
    return [source for file in files if file.is_file() for source in _read(file)]


def _read(file: Path) -> Iterator[AptSource]:
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".list":
        yield from _one_line(text)
    elif file.suffix == ".sources":
        yield from _deb822(text)


def _one_line(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match:
            options = dict(item.split("=", 1) for item in (match["options"] or "").split() if "=" in item)
            components = tuple(match["components"].split())
            yield AptSource(
                match["uri"].rstrip("/"), match["suite"], components, _keyring(options.get("signed-by", ""))
            )


def _deb822(text: str) -> Iterator[AptSource]:
    from debian.deb822 import Deb822

    for stanza in Deb822.iter_paragraphs(text, use_apt_pkg=False):
        if "deb" not in stanza.get("Types", "").split() or stanza.get("Enabled", "yes").lower() == "no":
            continue
        components = tuple(stanza.get("Components", "").split())
        keyring = _keyring(stanza.get("Signed-By", ""))
        for uri in stanza.get("URIs", "").split():
            for suite in stanza.get("Suites", "").split():
                yield AptSource(uri.rstrip("/"), suite, components, keyring)


def _keyring(signed_by: str) -> Path | None:
    """Signed-By as a path; a key written into the source itself is not supported."""
    first = re.split(r"[\s,]+", signed_by.strip())[0]
    return Path(first) if first.startswith("/") else None
