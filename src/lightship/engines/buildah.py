"""Buildah."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from lightship.digest import parse_digest
from lightship.engines import containers
from lightship.engines.model import BuildRequest, EngineImage, no_image
from lightship.engines.programs import Programs
from lightship.engines.versions import Version, require_version
from lightship.errors import StageError
from lightship.project.config import size_in_bytes

OLDEST: Version = (1, 24)


@dataclass(frozen=True, slots=True)
class Buildah:
    """A Buildah that works."""

    programs: Programs

    @property
    def name(self) -> str:
        return "buildah"

    @property
    def portable(self) -> bool:
        """`COPY --link` is known since 1.41, and changes nothing there."""
        return True

    def build(self, request: BuildRequest) -> None:
        containers.build(self.name, request, self.programs)

    def find(self, name: str) -> EngineImage:
        """Look an image up; Buildah gives its size in words, such as `137 MB`."""
        answer = self.programs.ask("buildah", "images", "--json", "--no-trunc", name)
        if answer.code:
            raise no_image(self.name, name)
        (listed,) = msgspec.json.decode(answer.out, type=tuple[_Listed])
        return EngineImage(parse_digest(listed.id), size_in_bytes(listed.size))

    def save(self, name: str, file: Path) -> None:
        answer = self.programs.ask("buildah", "push", "--quiet", name, f"docker-archive:{file}")
        if answer.code:
            raise StageError("`buildah push` failed", where=name, detail=answer.err.strip())


def find_buildah(programs: Programs) -> Buildah:
    """Find Buildah.

    Raises:
        UsageError: if it is absent, does not work or is too old.

    """
    version = containers.ask_version("buildah", programs, "--version")
    require_version("buildah", version.removeprefix("buildah version "), OLDEST, _MOUNTS)
    containers.ask_version("buildah", programs, "info")  # its storage, which may not be this user's
    return Buildah(programs)


class _Listed(msgspec.Struct, frozen=True):
    """An item of `buildah images --json`."""

    id: str
    size: str


_MOUNTS = "it cannot mount caches while it builds"
