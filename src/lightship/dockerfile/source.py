"""The text of a Dockerfile: places in it, and lines joined by continuation."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

# What Go's unicode.IsSpace takes for a space; Python's str.isspace has four control characters more.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of the source: offsets of its first character and of the one after its last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text as it is; `path` is what findings call it."""

    path: str
    text: str
    starts: tuple[int, ...] = field(repr=False, default=())

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        starts = [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]
        return cls(path, text, tuple(starts))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1; columns count characters."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def slice(self, span: Span) -> str:
        return self.text[span.start : span.end]

    def line_span(self, offset: int) -> Span:
        """Give the line that an offset lies in, with its line end."""
        line = bisect_right(self.starts, offset)
        following = self.starts[line] if line < len(self.starts) else len(self.text)
        return Span(self.starts[line - 1], following)


@dataclass(frozen=True, slots=True)
class Logical:
    """Text as the parser reads it, each character with its offset in the source.

    `offsets` is one longer than `text`: the last is where the text ends.
    """

    text: str
    offsets: tuple[int, ...] = field(repr=False)

    @classmethod
    def piece(cls, text: str, start: int) -> Logical:
        """Text that stands in the source just so, from an offset on."""
        return cls(text, tuple(range(start, start + len(text) + 1)))

    def span(self, start: int, end: int) -> Span:
        """Where a piece of the text, by its indices, lies in the source."""
        if end <= start:
            return Span(self.offsets[start], self.offsets[start])
        return Span(self.offsets[start], self.offsets[end - 1] + 1)

    def part(self, start: int, end: int) -> Logical:
        offsets = self.offsets[start:end]
        last = offsets[-1] + 1 if offsets else self.offsets[start]
        return Logical(self.text[start:end], (*offsets, last))

    def strip(self) -> Logical:
        left = len(self.text) - len(self.text.lstrip(SPACES))
        right = len(self.text.rstrip(SPACES))
        return self.part(min(left, right), right)

    @property
    def whole(self) -> Span:
        return self.span(0, len(self.text))
