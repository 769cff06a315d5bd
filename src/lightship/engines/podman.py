"""Podman."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lightship.digest import from_hex
from lightship.engines import containers
from lightship.engines.model import BuildRequest, EngineImage, no_image
from lightship.engines.programs import Programs
from lightship.engines.versions import Version, require_version
from lightship.errors import StageError

OLDEST: Version = (4, 0)


@dataclass(frozen=True, slots=True)
class Podman:
    """A Podman that works."""

    programs: Programs

    @property
    def name(self) -> str:
        return "podman"

    @property
    def portable(self) -> bool:
        """`COPY --link` is known since 5.6, and changes nothing there."""
        return True

    def build(self, request: BuildRequest) -> None:
        containers.build(self.name, request, self.programs)

    def find(self, name: str) -> EngineImage:
        answer = self.programs.ask("podman", "image", "inspect", "--format", "{{.Id}} {{.Size}}", name)
        if answer.code:
            raise no_image(self.name, name)
        identity, size = answer.out.split()
        return EngineImage(from_hex(identity), int(size))

    def save(self, name: str, file: Path) -> None:
        answer = self.programs.ask(
            "podman", "save", "--format", "docker-archive", "--output", str(file), name
        )
        if answer.code:
            raise StageError("`podman save` failed", where=name, detail=answer.err.strip())


def find_podman(programs: Programs) -> Podman:
    """Find Podman.

    Raises:
        UsageError: if it is absent, does not work or is too old.

    """
    version = containers.ask_version("podman", programs, "info", "--format", "{{.Version.Version}}")
    require_version("podman", version, OLDEST, "it cannot mount caches while it builds")
    return Podman(programs)
