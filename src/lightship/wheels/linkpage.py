"""A folder of archives as the page that an index would have of it: with digests, as far as they are known.

uv locks a file of a folder by its digest, for which it reads the whole of it, every time; of PyTorch that is
most of what resolving takes. On a page, a digest can stand beside a file's name (PEP 503).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote

_PLAIN = "/!$&'()*+,;=:@[]|~"  # of a path, what uv writes as it is


def link_page(folder: Path, digests: Mapping[Path, str]) -> str:
    """Write the page of a folder; `digests` are SHA-256 in hexadecimal, of some files."""
    files = sorted(path for path in folder.absolute().iterdir() if path.is_file())
    return "".join(_link(path, digests.get(path, "")) for path in files)


def _link(path: Path, sha256: str) -> str:
    url = f"file://{quote(str(path), safe=_PLAIN)}" + (f"#sha256={sha256}" if sha256 else "")
    return f'<a href="{escape(url)}">{escape(path.name)}</a>\n'
