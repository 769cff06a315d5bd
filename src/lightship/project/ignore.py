"""`.dockerignore`: patterns as Docker reads them (its documentation, "Build context")."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from lightship.errors import UsageError

ALWAYS = (
    "**/__pycache__",  # bytecode of the build machine's Python
    "**/*.pyc",
    "**/.git",  # history, and whatever secret it remembers
    "**/.hg",
    "**/.svn",
    "**/.venv",
    "**/venv",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
    "**/.ipynb_checkpoints",
    "**/.DS_Store",
    "**/.env",  # secrets of the developer's machine
    "**/*.egg-info",
)
"""Never shipped, whatever `.dockerignore` says first; a later `!pattern` there can bring a path back."""


class Ignore(Struct, frozen=True):
    """Ordered rules; the last one that matches a path, or a folder above it, decides."""

    rules: tuple[tuple[re.Pattern[str], bool], ...]

    def prunes(self, folder: str) -> bool:
        """Tell whether nothing below an ignored folder can be brought back by a `!` rule."""
        return self.ignores(folder) and all(excluded for _, excluded in self.rules)

    def ignores(self, path: str) -> bool:
        """Tell whether a path, relative to the project and with `/`, stays out."""
        verdict = False
        for pattern, excluded in self.rules:
            if excluded != verdict and pattern.match(path):
                verdict = excluded
        return verdict


def read_ignore(folder: Path) -> Ignore:
    """Read a project's rules.

    Raises:
        UsageError: if `.dockerignore` holds a pattern that is none.

    """
    path = folder / ".dockerignore"
    lines = path.read_text("utf-8-sig", "replace").splitlines() if path.is_file() else []
    return parse_ignore([*ALWAYS, *lines], where=str(path))


def parse_ignore(lines: Iterable[str], *, where: str = "") -> Ignore:
    rules = []
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        text = line.strip()
        pattern = text.removeprefix("!").strip()
        if not pattern:
            raise UsageError(f"{text!r} is no pattern", where=where, hint="write !PATTERN")
        cleaned = posixpath.normpath(pattern).lstrip("/")
        if cleaned not in ("", "."):  # Docker leaves the whole context alone
            rules.append((_compiled(cleaned, where), text[0] != "!"))
    return Ignore(tuple(rules))


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    """Translate as Docker does (moby/patternmatcher), whose `**` stands for any number of whole folders."""
    out, rest = "", pattern
    while rest:
        token = _TOKEN.match(rest)
        if token is None:
            raise UsageError(f"{pattern!r} is no pattern", where=where, hint="close its [ or end its \\")
        rest = rest[token.end() :]
        out += _expression(token[0], last=not rest)
    try:
        return re.compile(out + r"(?:/.*)?\Z", re.DOTALL)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no pattern: {error}", where=where, hint="mend it") from error


def _expression(token: str, *, last: bool) -> str:
    if token.startswith("**"):
        return ".*" if last else "(?:.*/)?"
    if token in _WILD:
        return _WILD[token]
    if token[0] == "[" and len(token) > 1:
        negated = token[1] == "^"
        parts = _PARTS.findall(token[1 + negated : -1])
        inside = (part if part == "-" else re.escape(part[-1]) for part in parts)
        return f"[{'^' * negated}{''.join(inside)}]"
    return re.escape(token.removeprefix("\\") if len(token) > 1 else token)


_TOKEN = re.compile(r"\*\*/?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[^\[\\]", re.DOTALL)
_PARTS = re.compile(r"\\?.", re.DOTALL)
_WILD = {"*": "[^/]*", "?": "[^/]"}
