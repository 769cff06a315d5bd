"""One page about an image, which needs nothing but itself: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

import msgspec

from lightship.inspect.diff.model import PartChange
from lightship.inspect.diff.parts import part_changes
from lightship.inspect.findings import READ_INSTEAD
from lightship.inspect.report.folders import Folder, folders
from lightship.inspect.report.model import (
    Copies,
    FileFacts,
    GroupFacts,
    HiddenFile,
    Inspection,
    LayerFacts,
    Part,
)

_FOLDER = "page"
_SCRIPTS = ("treemap.js", "map.js", "tables.js", "page.js")
_MOST = 200
"""Files of each list on the page; `--json` has all of them."""


class _Image(msgspec.Struct, frozen=True):
    """What the page knows of an image."""

    name: str
    digest: str
    platform: str
    created: str
    unpacked: int
    compressed: int
    visible: int
    hidden: int
    overhead: int
    file_count: int
    groups: tuple[GroupFacts, ...]
    parts: tuple[Part, ...]
    layers: tuple[LayerFacts, ...]
    files: tuple[FileFacts, ...]
    hidden_files: tuple[HiddenFile, ...]
    hidden_count: int
    copies: tuple[Copies, ...]
    folders: dict[str, tuple[Folder, ...]]


class _Data(msgspec.Struct, frozen=True):
    image: _Image
    against: _Image | None
    changes: tuple[PartChange, ...]


def render_page(found: Inspection, against: Inspection | None = None) -> str:
    """Write the page; with `against`, what changed from that image to this one.

    Its content security policy allows the page's own script and style by their digests, and no connection.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lightship.inspect.report", _FOLDER), autoescape=True, undefined=StrictUndefined
    )
    style, script = _text("page.css"), "\n".join(map(_text, _SCRIPTS))
    changes = part_changes(against.parts, found.parts) if against is not None else ()
    data = _Data(_image(found), _image(against) if against is not None else None, changes)
    return environment.get_template("page.html.j2").render(
        found=found,
        read_instead=READ_INSTEAD.get(found.basis, ""),
        against=against,
        style=style,
        script=script,
        style_digest=_digest(style),
        script_digest=_digest(script),
        data=_embedded(data),
    )


def _image(found: Inspection) -> _Image:
    return _Image(
        name=found.name,
        digest=found.digest,
        platform=found.platform,
        created=found.created,
        unpacked=found.unpacked,
        compressed=found.compressed,
        visible=found.visible,
        hidden=found.hidden,
        overhead=found.overhead,
        file_count=len(found.files),
        groups=found.groups,
        parts=found.parts,
        layers=found.layers,
        files=found.files[:_MOST],
        hidden_files=found.waste.files[:_MOST],
        hidden_count=len(found.waste.files),
        copies=found.waste.copies[:_MOST],
        folders=folders(found),
    )


def _text(name: str) -> str:
    return (resources.files("lightship.inspect.report") / _FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Name an inline script or style as a content security policy does (CSP Level 3, "Hash usage")."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _embedded(data: _Data) -> str:
    """Write JSON that cannot end its element (HTML, "Restrictions for contents of script elements")."""
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")
