"""What is asked of the resolver."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from lightship.errors import UsageError
from lightship.platform import Platform
from lightship.wheels.requirements import RequirementLine, inline_requirements, read_requirements


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest:
    """Requirements, and the target they are resolved for.

    `folder` is the project's: relative paths start there. `requirements` and `constraints` are files;
    `inline` are requirements as text. With `pyproject`, its dependencies count, with these `extras` and
    `groups` (PEP 735). `python` is the target's version (`3.11`), `glibc` its C library's. `torch` is `cpu`,
    a CUDA tag such as `cu126`, `none`, or empty where nothing is to be done about PyTorch. `lock` is an
    existing lock whose versions are kept where they still fit, unless `upgrade`.
    """

    folder: Path
    python: str
    platform: Platform
    glibc: tuple[int, int] = (2, 36)
    requirements: tuple[Path, ...] = ()
    inline: tuple[str, ...] = ()
    constraints: tuple[Path, ...] = ()
    pyproject: Path | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    torch: str = ""
    lock: Path | None = None
    upgrade: bool = False
    offline: bool = False


def request_lines(request: ResolveRequest) -> list[RequirementLine]:
    """Every line that is asked for, of included files too, each with where it stands.

    Raises:
        UsageError: if a file cannot be read, or an extra or group is not there.

    """
    folder = request.folder
    return [
        *read_requirements(folder / path for path in request.requirements),
        *inline_requirements(request.inline, path=folder / "pyproject.toml"),
        *(_project_lines(folder / request.pyproject, request) if request.pyproject else ()),
        *read_requirements((folder / path for path in request.constraints), constraints=True),
    ]


def request_inputs(request: ResolveRequest) -> list[str]:
    """What decides the resolution, as text without comments or paths: put it into the lock's inputs digest.

    A change of a comment, or of the project's folder, leaves it as it is.

    Raises:
        UsageError: as `request_lines`.

    """
    lines = [f"{'-c ' if line.is_constraint else ''}{line.text}" for line in request_lines(request)]
    glibc = ".".join(map(str, request.glibc))
    target = f"{request.platform} python {request.python} glibc {glibc} torch {request.torch}"
    return [target, *lines]


def _project_lines(path: Path, request: ResolveRequest) -> Iterator[RequirementLine]:
    text, document = _read(path)
    project = document.get("project", {})
    offered = {
        canonicalize_name(name): value for name, value in project.get("optional-dependencies", {}).items()
    }
    texts = [*project.get("dependencies", ())]
    for extra in request.extras:
        texts += _member(offered, canonicalize_name(extra), "extra", path)
    groups = {canonicalize_name(name): value for name, value in document.get("dependency-groups", {}).items()}
    for group in request.groups:
        texts += _group(groups, group, path, ())
    for line in inline_requirements(texts, path=path):
        yield RequirementLine(line.text, path, _line_of(text, line.text), requirement=line.requirement)


def _group(groups: Mapping[Any, list[Any]], name: str, path: Path, above: tuple[str, ...]) -> Iterator[str]:
    """Requirements of a group and of those it includes; a group that includes itself is uv's to refuse."""
    name = canonicalize_name(name)
    for item in _member(groups, name, "dependency group", path):
        if isinstance(item, str):
            yield item
        elif canonicalize_name(item["include-group"]) not in {name, *above}:
            yield from _group(groups, item["include-group"], path, (*above, name))


def _member(known: Mapping[Any, list[Any]], name: str, kind: str, path: Path) -> Iterable[Any]:
    if name not in known:
        offered = ", ".join(sorted(known)) or "none"
        raise UsageError(f"there is no {kind} {name!r}", where=str(path), hint=f"it has: {offered}")
    return known[name]


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(
            "the project's metadata cannot be read", where=str(path), hint="mend the file", detail=str(error)
        ) from error


def _line_of(text: str, requirement: str) -> int:
    match = re.search(rf"""["']{re.escape(requirement)}["']""", text)
    return text.count("\n", 0, match.start()) + 1 if match else 0
