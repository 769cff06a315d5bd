"""What a failed build missed, and from where its log matters; nothing but text is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

What = Literal["header", "library", "program", "pkg-config"]
_FATAL = ("header", "library")
_LINES_BEFORE, _LINES_AFTER = 6, 24
_WIDEST = 400

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.+/-]*"
_QUOTE = "['\"`\u2018\u2019]?"
# In each, the group is the name.
_MISSES: tuple[tuple[What, str], ...] = (
    ("header", rf"fatal error: '?({_NAME}\.h(?:pp|xx)?)'?(?: file not found|: No such file or directory)"),
    ("library", rf"cannot find -l({_NAME})"),
    ("library", rf"unable to find library -l({_NAME})"),  # lld
    ("program", r"\b([a-z0-9_]*_config|[a-z0-9]+-config) executable not found"),
    ("program", rf"(?:/bin/sh|sh|bash): (?:\d+: |line \d+: )?({_NAME}): (?:command )?not found"),
    ("program", rf"(?:/usr/bin/)?env: {_QUOTE}({_NAME}?){_QUOTE}: No such file or directory"),
    ("program", rf"make(?:\[\d+\])?: ({_NAME}): No such file or directory"),
    ("program", rf"FileNotFoundError: \[Errno 2\] No such file or directory: '({_NAME})'"),
    ("program", rf"error: (?:command|Program) '({_NAME})' (?:failed: No such file|not found)"),
    ("program", rf"Program ['\"]?({_NAME}?)['\"]? (?:not found|found: NO)"),  # Meson
    ("pkg-config", rf"No package '({_NAME})' found"),
    ("pkg-config", rf"Package ['\"]?({_NAME}?)['\"]?(?:, required by .*)?,? (?:was )?not found"),
    ("pkg-config", rf"Dependency ['\"]({_NAME})['\"] not found"),  # Meson
    ("pkg-config", rf"pkg-config.*--libs ({_NAME})['\"`]* (?:failed|returned)"),
)
# Tools that are missed in words of their own.
_SPOKEN: tuple[tuple[str, What, str], ...] = (
    (r"can't find Rust compiler|requires Rust|Rust toolchain", "program", "cargo"),
    (r"Can not find valid pkg-config name|mysql_config not found", "program", "mysql_config"),
    (r"CMake must be installed|Problem with the CMake installation", "program", "cmake"),
    (r"xml2-config.*xslt-config|libxml2 and libxslt development packages", "header", "libxslt/xslt.h"),
    (r"No Fortran compiler|Unknown compiler\(s\):.*gfortran", "program", "gfortran"),
    (r"Could not find.*llvm-config|llvm-config.*not found", "program", "llvm-config"),
)
_STARTS = re.compile(
    r"fatal error:|\berror:|\berror\[E\d+\]|\bError:|cannot find -l|not found|No such file or directory"
    r"|^Traceback \(most recent call last\)|undefined reference|CMake Error|ERROR:|executable not found"
    r"|can't find Rust|Unable to find|Permission denied|Killed"
)
# uv's own words around a backend's failure, and warnings that only look like errors.
_NOISE = re.compile(r"^error: Failed to build|^\s*cause: |-Werror|warning:")


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a build looked for: `libpq-fe.h`, `xml2` (of `-lxml2`), `pg_config`, `libxml-2.0`."""

    what: What
    name: str

    @property
    def words(self) -> str:
        return f"the {_WORDS[self.what]} {self.name}"

    def paths(self) -> tuple[str, ...]:
        """Ends of paths by which a package that has it is found, the best first."""
        match self.what:
            case "header":
                return (f"include/{self.name}", self.name)
            case "library":
                return (f"lib{self.name}.so", f"lib{self.name}.a")
            case "program":
                return (f"bin/{self.name.rpartition('/')[2]}",)
            case "pkg-config":
                return (f"pkgconfig/{self.name}.pc",)


def find_missing(log: str) -> tuple[Missing, ...]:
    """Name what a log says was not there, each once: first what stopped a compiler, then by the log's order.

    Configuration scripts look for much that they can do without, and say so before the real error.
    """
    found: dict[Missing, int] = {}
    for what, pattern in _MISSES:
        for match in re.finditer(pattern, log):
            found.setdefault(Missing(what, match[1]), match.start())
    for pattern, what, name in _SPOKEN:
        spoken = re.search(pattern, log)
        if spoken is not None:
            found.setdefault(Missing(what, name), spoken.start())
    return tuple(sorted(found, key=lambda missing: (missing.what not in _FATAL, found[missing])))


def excerpt(log: str) -> str:
    """Give the part of a log that matters: from a few lines before its first error on, and its end."""
    lines = [line[:_WIDEST].rstrip() for line in log.splitlines()]
    first = next(_error_lines(lines), max(0, len(lines) - _LINES_AFTER))
    start = max(0, first - _LINES_BEFORE)
    shown = lines[start : first + _LINES_AFTER]
    rest = lines[first + _LINES_AFTER :]
    if len(rest) > _LINES_BEFORE:
        rest = [f"… {len(rest) - _LINES_BEFORE} lines left out …", *rest[-_LINES_BEFORE:]]
    return "\n".join([*shown, *rest]).strip("\n")


def _error_lines(lines: list[str]) -> Iterator[int]:
    for number, line in enumerate(lines):
        if _STARTS.search(line) and not _NOISE.search(line):
            yield number


_WORDS: dict[What, str] = {
    "header": "header",
    "library": "library",
    "program": "program",
    "pkg-config": "pkg-config module",
}
