"""What lint has to say about a Dockerfile: like `lightship.inspect.findings`, with places and fixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lightship.dockerfile.source import Source, Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that takes the place of a piece of the source."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A rule broken at a place; `edits` mend it where that is safe."""

    rule: Rule
    span: Span
    message: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for: `id` is stable, `reason` says why it matters, `remedy` what to do."""

    id: str
    title: str
    severity: Severity
    reason: str
    remedy: str

    @property
    def code(self) -> str:
        """The id without its name: what an ignore may say."""
        return self.id.partition("-")[0]

    def at(self, span: Span, message: str, edits: tuple[Edit, ...] = ()) -> Found:
        return Found(self, span, message, edits)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is reported. Lines and columns count from 1; the end is the place after the last character."""

    path: str
    line: int
    column: int
    rule: str
    severity: Severity
    message: str
    remedy: str
    end_line: int
    end_column: int
    source: str = "lightship"
    edits: tuple[Edit, ...] = field(default=(), compare=False)

    def to_json(self) -> Mapping[str, object]:
        names = (
            "path",
            "line",
            "column",
            "end_line",
            "end_column",
            "rule",
            "severity",
            "message",
            "remedy",
            "source",
        )
        return {**{name: getattr(self, name) for name in names}, "fixable": bool(self.edits)}


def locate(source: Source, found: Found) -> Finding:
    """Turn offsets into lines and columns."""
    line, column = source.place(found.span.start)
    end_line, end_column = source.place(found.span.end)
    rule = found.rule
    return Finding(
        source.path,
        line,
        column,
        rule.id,
        rule.severity,
        _printable(found.message),
        rule.remedy,
        end_line,
        end_column,
        edits=found.edits,
    )


def _printable(text: str) -> str:
    """Replace what was no UTF-8 in the file, and cannot be printed."""
    return text.encode("utf-8", "replace").decode("utf-8")
