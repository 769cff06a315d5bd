"""What a migration says of each instruction, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lightship.dockerfile.model import Document
from lightship.dockerfile.source import Span
from lightship.net.redact import redact_text

Settings = Mapping[str, Any]
"""A piece of the configuration, as TOML has it: strings, numbers, tuples, and mappings of these."""
_LONGEST = 60


class Kind(StrEnum):
    """What became of an instruction, or of one command of it."""

    CARRIED = "carried over"
    UNNEEDED = "not needed"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a piece of the Dockerfile; `settings` is its part of the configuration."""

    span: Span
    kind: Kind
    message: str
    hint: str = ""
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """An outcome with its place: `line` counts from 1, `text` is the beginning of what stands there."""

    line: int
    text: str
    kind: Kind
    message: str
    hint: str

    def to_json(self) -> dict[str, object]:
        names = ("line", "text", "kind", "message", "hint")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Migration:
    """`settings` is the whole configuration, `files` are requirement files to be written beside it."""

    settings: Settings
    files: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def complete(self) -> bool:
        return not any(row.kind is Kind.BY_HAND for row in self.rows)


def carried(span: Span, message: str, settings: Settings, hint: str = "") -> Outcome:
    return Outcome(span, Kind.CARRIED, message, hint, settings)


def unneeded(span: Span, message: str, hint: str = "") -> Outcome:
    return Outcome(span, Kind.UNNEEDED, message, hint)


def by_hand(span: Span, message: str, hint: str, settings: Settings | None = None) -> Outcome:
    return Outcome(span, Kind.BY_HAND, message, hint, settings or {})


def merged(pieces: Iterable[Settings]) -> dict[str, Any]:
    """Put pieces together: tables key by key, of lists each item once; of other values the last."""
    whole: dict[str, Any] = {}
    for piece in pieces:
        for key, value in piece.items():
            there = whole.get(key)
            if isinstance(value, Mapping):
                whole[key] = merged((there or {}, value))
            elif isinstance(value, tuple) and isinstance(there, tuple):
                whole[key] = (*there, *(item for item in value if item not in there))
            else:
                whole[key] = value
    return whole


def row(document: Document, outcome: Outcome) -> Row:
    """Give an outcome its place; what stands there begins with the keyword of its instruction."""
    source, span = document.source, outcome.span
    piece = re.sub(r"\s*\\?\s*\n\s*|\s+", " ", source.slice(span)).strip()
    around = [one for one in document.instructions if one.span.start < span.start < one.span.end]
    text = redact_text(f"{around[0].keyword} {piece}" if around else piece)
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
    return Row(
        source.place(span.start)[0],
        printable(short),
        outcome.kind,
        printable(outcome.message),
        printable(outcome.hint),
    )


def printable(text: str) -> str:
    """Replace what was no UTF-8 in the file, and cannot be printed."""
    return text.encode("utf-8", "replace").decode("utf-8")
