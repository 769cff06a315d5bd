"""The build context, as far as a migration looks into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lightship.dockerfile.context import Context, FolderContext
from lightship.project.application import find_application
from lightship.project.ignore import read_ignore


class Folder(Context, Protocol):
    """The project's files, by paths relative to it, less what `.dockerignore` lists."""

    def is_file(self, path: str) -> bool: ...

    def is_folder(self, path: str) -> bool: ...

    def names(self, folder: str) -> tuple[str, ...]:
        """Name what lies in a folder, sorted; nothing if it is not there."""
        ...

    def health(self) -> str:
        """Give the path of a route of the application that is named as health checks are; "" if none."""
        ...


@dataclass(frozen=True)
class ProjectFolder(FolderContext):
    """A folder on disk; nothing outside of it is looked at."""

    def is_file(self, path: str) -> bool:
        found = self._inside(path)
        return found is not None and found.is_file()

    def is_folder(self, path: str) -> bool:
        found = self._inside(path)
        return found is not None and found.is_dir()

    def names(self, folder: str) -> tuple[str, ...]:
        found = self._inside(folder)
        if found is None or not found.is_dir():
            return ()
        ignore = read_ignore(self.folder)
        inner = (path.relative_to(self.folder.resolve()).as_posix() for path in sorted(found.iterdir()))
        return tuple(path.rsplit("/", 1)[-1] for path in inner if not ignore.ignores(path))

    def health(self) -> str:
        found = find_application(self.folder)
        return found.health if found else ""

    def _inside(self, path: str) -> Path | None:
        try:
            found = (self.folder / path).resolve()
        except (OSError, ValueError):
            return None
        return found if found.is_relative_to(self.folder.resolve()) else None
