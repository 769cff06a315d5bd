"""Splitting one instruction into words, in the ways of BuildKit's line parsers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lightship.dockerfile.model import Flag, Word
from lightship.dockerfile.source import SPACES, Logical

_GAP = re.compile(r"[\t\v\f\r ]+")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def split_keyword(line: Logical) -> tuple[Logical, Logical]:
    """Split a line into its keyword and the rest."""
    line = line.strip()
    gap = _GAP.search(line.text)
    if gap is None:
        return line, line.part(len(line.text), len(line.text))
    return line.part(0, gap.start()), line.part(gap.end(), len(line.text))


def take_flags(rest: Logical, escape: str) -> tuple[tuple[Flag, ...], Logical]:
    """Take `--name=value` words off the front; `--` alone ends them."""
    flags: list[Flag] = []
    at = 0
    while True:
        at = _skip_spaces(rest.text, at)
        if not rest.text.startswith("--", at):
            return tuple(flags), rest.part(at, len(rest.text)).strip()
        end = _word_end(rest.text, at, escape, single_quotes_escape=True)
        text = _bare(rest.text[at:end], escape)
        if text == "--":
            return tuple(flags), rest.part(end, len(rest.text)).strip()
        name, _, value = text[2:].partition("=")
        flags.append(Flag(name, value, rest.span(at, end)))
        at = end


def quoted_words(args: Logical, escape: str) -> tuple[Word, ...]:
    """Split at spaces outside of quotes; quotes and escapes stay (`ENV`, `ARG`, `LABEL`)."""
    return tuple(
        Word(text, args.span(start, end))
        for start, end in _quoted(args.text, escape)
        if (text := _without_last_escape(args.text[start:end], escape, at_end=end == len(args.text)))
    )


def spaced_words(args: Logical) -> tuple[Word, ...]:
    """Split at spaces and nothing else (`FROM`, `COPY`, `EXPOSE`)."""
    words, at = [], 0
    for gap in _GAP.finditer(args.text):
        words.append(Word(args.text[at : gap.start()], args.span(at, gap.start())))
        at = gap.end()
    if args.text:
        words.append(Word(args.text[at:], args.span(at, len(args.text))))
    return tuple(words)


def json_words(args: Logical) -> tuple[Word, ...] | None:
    """Read a JSON array of strings; None if it is no JSON array, and so plain text to the builder.

    Raises:
        ValueError: if the array holds something else than strings.

    """
    if not args.text.lstrip(SPACES).startswith("["):
        return None
    try:
        values = json.loads(args.text.strip(" \t\r\n"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list):
        return None
    if not all(isinstance(value, str) for value in values):
        raise ValueError("when using JSON array syntax, arrays must be comprised of strings only")
    places = [args.span(*match.span()) for match in _JSON_STRING.finditer(args.text)]
    return tuple(Word(_go_string(value), place) for value, place in zip(values, places, strict=True))


def _no_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which Python reads and JSON has not."""
    raise ValueError(name)


def _go_string(text: str) -> str:
    """Replace half surrogate pairs, as Go does."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _quoted(text: str, escape: str) -> Iterator[tuple[int, int]]:
    at = _skip_spaces(text, 0)
    while at < len(text):
        end = _word_end(text, at, escape, single_quotes_escape=False)
        yield at, end
        at = _skip_spaces(text, end)


def _word_end(text: str, at: int, escape: str, *, single_quotes_escape: bool) -> int:
    """Find the end of a word; in flags, BuildKit lets escapes work between single quotes too."""
    quote = ""
    while at < len(text):
        character = text[at]
        if character == escape and (quote != "'" or single_quotes_escape):
            at += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in SPACES:
            return at
        at += 1
    return len(text)


def _bare(text: str, escape: str) -> str:
    """Take quotes and escapes out of a flag; between quotes an escape goes too."""
    out, quote, at = [], "", 0
    while at < len(text):
        character = text[at]
        if character == escape:
            at += 1
            out.append(text[at : at + 1])
        elif character == quote:
            quote = ""
        elif character in "'\"" and not quote:
            quote = character
        else:
            out.append(character)
        at += 1
    return "".join(out)


def _without_last_escape(text: str, escape: str, *, at_end: bool) -> str:
    """Drop an escape that has nothing after it, as BuildKit does."""
    if not at_end or not text.endswith(escape):
        return text
    run = len(text) - len(text.rstrip(escape))
    return text[:-1] if run % 2 else text


def _skip_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACES:
        at += 1
    return at
