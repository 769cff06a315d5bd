"""What a Dockerfile is made of once it is parsed."""

from __future__ import annotations

from dataclasses import dataclass

from lightship.dockerfile.source import Logical, Source, Span


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an instruction; `span` covers its quotes too."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` between keyword and arguments; `value` is empty for a flag that stands alone."""

    name: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document that follows an instruction; `body` leaves the terminating line out."""

    name: str
    descriptor: int
    expand: bool
    chomp: bool
    body: Logical


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `keyword` in upper case, `args` what follows the flags, `words` its parts.

    `json` tells that the arguments are a JSON array. `trigger` is the instruction within `ONBUILD`.
    `span` ends after the heredocs, without the last line end.
    """

    keyword: str
    keyword_span: Span
    flags: tuple[Flag, ...]
    args: Logical
    words: tuple[Word, ...]
    json: bool
    span: Span
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Instruction | None = None

    def flag(self, name: str) -> Flag | None:
        return next((flag for flag in self.flags if flag.name == name), None)

    def flag_value(self, name: str) -> str:
        found = self.flag(name)
        return found.value if found else ""

    def pairs(self) -> tuple[tuple[str, str, Span], ...]:
        """Names and values of `ENV`, `ARG` and `LABEL`, without quotes; an `ARG` alone has the value ""."""
        return tuple(_pair(word) for word in self.words)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; `text` lacks the `#` and the spaces around."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that BuildKit refuses to build."""

    message: str
    hint: str
    span: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed Dockerfile. With problems, the instructions are those that could be read."""

    source: Source
    instructions: tuple[Instruction, ...]
    comments: tuple[Comment, ...]
    problems: tuple[Problem, ...]
    escape: str


def unquote(text: str, escape: str = "\\") -> str:
    """Take quotes and escapes out of a word, as the builder does; variables stay as they are."""
    out, quote, skip = [], "", False
    for index, character in enumerate(text):
        if skip:
            skip = False
            out.append(character)
        elif character == escape and quote != "'" and index + 1 < len(text):
            skip = not quote or text[index + 1] in (quote, escape, "$")
            if not skip:
                out.append(character)
        elif character == quote:
            quote = ""
        elif character in "'\"" and not quote:
            quote = character
        else:
            out.append(character)
    return "".join(out)


def _pair(word: Word) -> tuple[str, str, Span]:
    name, _, value = word.text.partition("=")
    return unquote(name), unquote(value), word.span
