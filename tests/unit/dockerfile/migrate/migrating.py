"""Short ways to migrate a text."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightship.dockerfile.migrate.migrate import migrate
from lightship.dockerfile.migrate.model import Migration
from lightship.dockerfile.parser import parse
from lightship.project.config import Config, parse_config
from lightship.project.stages import check_stages
from lightship.wheels.model import LockedLibrary


@dataclass(frozen=True)
class Project:
    """A build context in memory."""

    files: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[LockedLibrary, ...] | None = None
    route: str = ""

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def is_file(self, path: str) -> bool:
        return path in self.files

    def is_folder(self, path: str) -> bool:
        return bool(self.names(path))

    def names(self, folder: str) -> tuple[str, ...]:
        prefix = "" if folder in ("", ".") else f"{posixpath.normpath(folder)}/"
        inside = (path.removeprefix(prefix) for path in self.files if path.startswith(prefix))
        return tuple(sorted({path.split("/")[0] for path in inside}))

    def health(self) -> str:
        return self.route


PLAIN = Project({"requirements.txt": "fastapi\n", "app/main.py": "", "app/__init__.py": ""})


def migrated(text: str, project: Project = PLAIN, target: str = "") -> Migration:
    document = parse("Dockerfile", text)
    assert not document.problems, document.problems
    made = migrate(document, project, target)
    accepted(made)
    return made


def accepted(migration: Migration) -> Config:
    """Have the project's own loader read the configuration."""
    config = parse_config(migration.settings, Path("lightship.toml"))
    check_stages(config, "lightship.toml")
    return config


def settings(text: str, project: Project = PLAIN) -> Mapping[str, Any]:
    return migrated(text, project).settings


def told(migration: Migration, kind: str = "") -> list[str]:
    """Give the rows as `LINE: MESSAGE` of a kind, or as `LINE KIND: MESSAGE`."""
    if kind:
        return [f"{row.line}: {row.message}" for row in migration.rows if row.kind == kind]
    return [f"{row.line} {row.kind}: {row.message}" for row in migration.rows]
