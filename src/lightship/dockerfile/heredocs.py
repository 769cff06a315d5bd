"""Which words of a line begin a heredoc (BuildKit's parser, `heredocsFromLine`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightship.dockerfile.source import SPACES

_BRACED = re.compile(r"\$\{(?:[A-Za-z_]\w*|\d+|[@*#?$!-])([}:+?#%/-])", re.ASCII)
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
    """Split at spaces outside of quotes and braces, and keep them; what never closes undoes it all.

    So does a `${` that no name and operator of BuildKit's follow.
    """
    words, word, quote, at, depth = [], "", "", 0, 0
    while at < len(line):
        character = line[at]
        if quote != "'" and line.startswith("${", at):
            if (braced := _BRACED.match(line, at)) is None:
                return []
            depth += braced[1] != "}"
            word, at = word + braced[0], braced.end()
            continue
        if character == "}" and depth:
            depth -= 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in SPACES and not depth:
            words.append(word)
            word, at = "", at + 1
            continue
        if character == "\\" and quote != "'" and at + 1 < len(line):
            word, at = word + character, at + 1
        word, at = word + line[at], at + 1
    return [] if quote or depth else [found for found in (*words, word) if found]


def _opening(word: str) -> Opening | None:
    match = _HEREDOC.fullmatch(word)
    if match is None:
        return None
    raw = match[3]
    if len(shell_words(raw)) != 1:
        return None
    name = raw.translate({ord(quote): None for quote in "'\""})
    return Opening(name, int(match[1] or 0), name == raw, bool(match[2])) if name else None
