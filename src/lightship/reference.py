"""Image references: `[registry/]name[:tag][@digest]` (OCI distribution spec, "Pulling manifests")."""

from __future__ import annotations

import re

from msgspec import Struct

from lightship.digest import Digest, parse_digest
from lightship.errors import UsageError

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_REGISTRY = re.compile(r"(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")


class Reference(Struct, frozen=True):
    """A parsed image reference; `registry` is empty for an image in the local store."""

    name: str
    registry: str = ""
    tag: str = ""
    digest: Digest | None = None

    def __str__(self) -> str:
        text = f"{self.registry}/{self.name}" if self.registry else self.name
        text += f":{self.tag}" if self.tag else ""
        return text + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """Read a reference; the tag is `latest` where neither tag nor digest is given.

    Raises:
        UsageError: if a part breaks the specification's grammar.

    """
    rest, at, digest = text.partition("@")
    registry, rest = _split_registry(rest)
    name, colon, tag = rest.partition(":")
    if not _NAME.fullmatch(name) or (colon and not _TAG.fullmatch(tag)):
        raise UsageError(
            f"{text!r} is not an image reference",
            hint="write it as [registry/]name[:tag][@sha256:…], the name in lower case",
        )
    if not tag and not at:
        tag = "latest"
    return Reference(name, registry, tag, parse_digest(digest) if at else None)


def _split_registry(text: str) -> tuple[str, str]:
    head, slash, rest = text.partition("/")
    is_host = slash and ("." in head or ":" in head or head == "localhost")
    return (head, rest) if is_host and _REGISTRY.fullmatch(head) else ("", text)
