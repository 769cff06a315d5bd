"""Which words of a line begin a heredoc (BuildKit's parser, `heredocsFromLine`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightship.dockerfile.source import SPACES

_HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Opening:
    """A heredoc that a line announces; what it holds follows."""

    name: str
    descriptor: int
    expand: bool
    chomp: bool


def openings(line: str) -> tuple[Opening, ...]:
    """Find the heredocs that a line announces, in their order."""
    return tuple(found for word in shell_words(line) if (found := _opening(word)))


def shell_words(line: str) -> list[str]:
    """Split at spaces outside of quotes, and keep the quotes; a quote that never closes undoes it all."""
    words, word, quote, at = [], "", "", 0
    while at < len(line):
        character = line[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in SPACES:
            words.append(word)
            word, at = "", at + 1
            continue
        if character == "\\" and quote != "'" and at + 1 < len(line):
            word, at = word + character, at + 1
        word, at = word + line[at], at + 1
    return [] if quote else [found for found in (*words, word) if found]


def _opening(word: str) -> Opening | None:
    match = _HEREDOC.fullmatch(word)
    if match is None:
        return None
    raw = match[3]
    if len(shell_words(raw)) != 1:
        return None
    name = raw.translate({ord(quote): None for quote in "'\""})
    return Opening(name, int(match[1] or 0), name == raw, bool(match[2])) if name else None
