"""`.dockerignore`: patterns as Docker reads them (its documentation, "Build context")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Ignore:
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
    path = folder / ".dockerignore"
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    return parse_ignore([*ALWAYS, *lines])


def parse_ignore(lines: Iterable[str]) -> Ignore:
    rules = []
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        pattern = text.removeprefix("!").strip().strip("/").removeprefix("./")
        if pattern:
            rules.append((re.compile(_expression(pattern) + r"(?:/.*)?\Z", re.DOTALL), text[0] != "!"))
    return Ignore(tuple(rules))


def _expression(pattern: str) -> str:
    """Translate as Go's filepath.Match does, with `**` for any number of folders."""
    out, index = "", 0
    while index < len(pattern):
        for token, expression in _TOKENS:
            if pattern.startswith(token, index):
                out += expression
                index += len(token)
                break
        else:
            piece, index = _character(pattern, index)
            out += piece
    return out


def _character(pattern: str, index: int) -> tuple[str, int]:
    end = pattern.find("]", index + 2)
    if pattern[index] == "[" and end > 0:
        inside = pattern[index + 1 : end].replace("\\", "\\\\")
        return f"[{inside}]", end + 1
    if pattern[index] == "\\" and index + 1 < len(pattern):
        return re.escape(pattern[index + 1]), index + 2
    return re.escape(pattern[index]), index + 1


_TOKENS = (("**/", r"(?:.*/)?"), ("**", r".*"), ("*", r"[^/]*"), ("?", r"[^/]"))
