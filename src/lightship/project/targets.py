"""Targets: `production`, and what others have on top of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct, field

from lightship.errors import UsageError
from lightship.project.config import PRODUCTION, Config, TargetConfig
from lightship.project.detect import Project

DEVELOPMENT = "development"
REQUIREMENTS = "requirements-dev.txt"
"""What `development` adds where nothing is configured."""
TOOLS = (
    *("bash", "coreutils", "dash", "findutils", "grep", "hostname", "less", "ncurses-base", "procps"),
    "sed",
)
"""Debian packages of `development`: a shell, and what one types into it to look at files and processes.

No editor and no git: the source is on the host, where both are. ncurses-base describes terminals to less.
"""
_RELOADING = frozenset({"fastapi", "flask", "granian", "gunicorn", "hypercorn", "uvicorn"})
"""Servers that have the option `--reload`."""
_APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Target(Struct, frozen=True):
    """What is built: requirement files and Debian packages on top of production's, command, variables."""

    name: str
    requirements: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        return self.name == PRODUCTION

    @property
    def reloads(self) -> bool:
        """Whether its command starts the service anew when a file changes, as far as its words say."""
        return "--reload" in self.command or self.command[:2] == ("fastapi", "dev")


def find_target(project: Project, name: str) -> Target:
    """Look a target up; `production` and `development` are always there.

    Raises:
        UsageError: if there is none of that name (the nearest one is suggested).

    """
    config = project.config
    if name == PRODUCTION:
        return Target(name, command=config.command)
    if name != DEVELOPMENT and name not in config.targets:
        raise _unknown(project, name)
    own = config.targets.get(name, TargetConfig())
    requirements, packages, command = _defaults(project.folder, config, name)
    return Target(
        name,
        requirements if own.requirements is None else own.requirements,
        packages if own.packages is None else own.packages,
        own.command or command,
        own.env,
    )


def declared_targets(project: Project) -> tuple[str, ...]:
    """Name the targets beside production that the project itself speaks of: those that are always locked."""
    found = set(project.config.targets)
    if (project.folder / REQUIREMENTS).is_file():
        found.add(DEVELOPMENT)
    return tuple(sorted(found))


def reload_command(command: Sequence[str], port: int) -> tuple[str, ...]:
    """Give the command that reloads the service when its code changes; one of an unknown server stays.

    gunicorn with uvicorn's workers becomes uvicorn itself: one process, which a debugger can follow.
    """
    words = tuple(command)
    servers = [name for word in words[:3] if (name := PurePosixPath(word).name) in _RELOADING]
    if not servers or "--reload" in words or words[:2] == ("fastapi", "dev"):
        return words
    application = next((word for word in words if _APPLICATION.fullmatch(word)), "")
    if servers[0] == "gunicorn" and application and any("uvicorn" in word for word in words):
        return ("uvicorn", application, "--reload", "--host", "0.0.0.0", "--port", str(port))  # noqa: S104
    return (*words, "--reload")


def _defaults(
    folder: Path, config: Config, name: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    if name != DEVELOPMENT:
        return (), (), config.command
    files = (REQUIREMENTS,) if (folder / REQUIREMENTS).is_file() else ()
    return files, TOOLS, reload_command(config.command, config.ports[0] if config.ports else 8000)


def _unknown(project: Project, name: str) -> UsageError:
    import difflib

    known = sorted({PRODUCTION, DEVELOPMENT, *project.config.targets})
    near = difflib.get_close_matches(name, known, n=1)
    return UsageError(
        f"unknown target {name!r}",
        where=str(project.file or project.folder),
        hint=f"did you mean {near[0]!r}?" if near else f"known targets: {', '.join(known)}",
    )
