"""Requirement files (pip documentation, "Requirements File Format"), as far as planning needs them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lightship.errors import UsageError

_COMMENT = re.compile(r"(^|\s+)#.*$")
_OPTION = re.compile(r"^(-[a-z]|--[a-z-]+)(?:\s*=\s*|\s+|(?<=^-[a-z]))(.*)$")
_PER_REQUIREMENT = re.compile(r"\s--(?:hash|config-settings?|global-option)\b.*$")
INCLUDES = {"-r": False, "--requirement": False, "-c": True, "--constraint": True}
INDEXES = {"-i", "--index-url", "--extra-index-url", "--pypi-url"}
LINKS = {"-f", "--find-links"}


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """A line of a requirement file, `line` counted from 1; `requirement` is None for an option or a path."""

    text: str
    path: Path
    line: int
    is_constraint: bool = False
    requirement: Requirement | None = None

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}" if self.line else str(self.path)

    @property
    def name(self) -> str:
        """Normalised name of the package (PEP 503), or nothing."""
        return canonicalize_name(self.requirement.name) if self.requirement else ""

    def option(self, names: Iterable[str]) -> str:
        """The value, if the line is one of these options."""
        match = _OPTION.match(self.text)
        return match[2].strip() if match and match[1] in names else ""


def read_requirements(paths: Iterable[Path], *, constraints: bool = False) -> list[RequirementLine]:
    """Lines of requirement files and of all that they include, in order.

    Raises:
        UsageError: if a file cannot be read.

    """
    seen: set[Path] = set()
    return [line for path in paths for line in _file(path, constraints, seen)]


def inline_requirements(texts: Iterable[str], *, path: Path) -> list[RequirementLine]:
    """Requirements that stand in a configuration file (`path`) and not in a requirement file."""
    return [RequirementLine(text, path, 0, requirement=_parse(text)) for text in texts]


def index_urls(lines: Iterable[RequirementLine]) -> list[str]:
    """Indexes that the lines name."""
    return [url for line in lines if (url := line.option(INDEXES))]


def find_links(lines: Iterable[RequirementLine]) -> list[str]:
    """Folders and pages of links that the lines name; folders as uv reads them, from the file's own."""
    found = []
    for line in lines:
        link = line.option(LINKS)
        if link:
            found.append(link if "://" in link else str(line.path.parent / link))
    return found


def _file(path: Path, constraint: bool, seen: set[Path]) -> Iterator[RequirementLine]:  # noqa: FBT001
    path = Path(os.path.normpath(path))
    if path in seen:
        return
    seen.add(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(
            f"cannot read requirements: {reason}", where=str(path), hint="check the path, or what includes it"
        ) from error
    for number, line in _logical_lines(text):
        entry = RequirementLine(line, path, number, constraint, _parse(line))
        yield entry
        included = entry.option(INCLUDES)
        if included and "://" not in included:
            is_constraint = constraint or any(entry.option({name}) for name, kind in INCLUDES.items() if kind)
            yield from _file(path.parent / included, is_constraint, seen)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations joined and comments gone, each with the number of its first line."""
    pending, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        first = first or number
        joined = pending + (raw if not pending else f" {raw.strip()}")
        if joined.endswith("\\") and not joined.lstrip().startswith("#"):
            pending = joined[:-1].rstrip()
            continue
        stripped = _COMMENT.sub("", joined).strip()
        if stripped:
            yield first, stripped
        pending, first = "", 0


def _parse(text: str) -> Requirement | None:
    try:
        return Requirement(_PER_REQUIREMENT.sub("", text))
    except InvalidRequirement:
        return None
