"""Docker: BuildKit through buildx, or the older command line's own."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from lightship.engines.model import BuildRequest, EngineImage, common_arguments, no_image
from lightship.engines.programs import Programs
from lightship.engines.versions import Version, read_version, require_version
from lightship.errors import StageError, UsageError
from lightship.net.redact import redact_text

OLDEST: Version = (20, 10)
WITH_LINK: tuple[Version, Version] = ((0, 10), (23, 0))
"""The BuildKit, and the Docker with it, whose own frontend knows `COPY --link` (Dockerfile 1.4)."""
WITH_LAYOUTS: tuple[Version, Version] = ((0, 11), (24, 0))
"""Those that take named contexts from layouts."""
NEEDS_BUILDX: Version = (23, 0)
"""From this command line on, BuildKit is reached through buildx alone."""
_VERSIONS = "{{.Client.Version}} {{.Server.Version}}"
_INSTALL = "install buildx: docker-buildx-plugin from Docker's packages, docker-buildx from Debian's"


@dataclass(frozen=True, slots=True)
class Docker:
    """A Docker that answers.

    `builder` is one of buildx's, empty for the chosen one; `buildkit` the version of BuildKit, or of Docker
    where that is all that is said, (0, 0) where nothing is.
    """

    programs: Programs
    buildx: bool
    builder: str
    buildkit: Version

    @property
    def name(self) -> str:
        return "docker"

    @property
    def portable(self) -> bool:
        return not _reaches(self.buildkit, WITH_LINK)

    def build(self, request: BuildRequest) -> None:
        if request.layouts and not (self.buildx and _reaches(self.buildkit, WITH_LAYOUTS)):
            raise UsageError(
                "this Docker cannot take images from layouts",
                where=", ".join(request.layouts),
                hint="that needs buildx with BuildKit 0.11, or Docker 24; or build with the direct engine",
            )
        answer = self.programs.show(*self._command(request), environ={"DOCKER_BUILDKIT": "1"})
        if answer.code:
            raise StageError(
                f"`docker build` failed with status {answer.code}",
                where=request.name,
                hint="its own words say why",
                detail=redact_text(answer.err.strip()),
            )

    def _command(self, request: BuildRequest) -> list[str]:
        words = ["docker", "buildx", "build", "--load"] if self.buildx else ["docker", "build"]
        words += ["--builder", self.builder] if self.builder else []
        layouts = (
            f"--build-context={name}=oci-layout://{layout.folder}@{layout.digest}"
            for name, layout in request.layouts.items()
        )
        return [*words, *common_arguments(request), *layouts, *request.extra, str(request.context)]

    def find(self, name: str) -> EngineImage:
        answer = self.programs.ask("docker", "image", "inspect", "--format", "{{.Id}}", name)
        # Of an image in containerd's store, `inspect` gives the compressed size: layers are told unpacked.
        layers = self.programs.ask("docker", "history", "--human=false", "--format", "{{.Size}}", name)
        if answer.code or layers.code:
            raise no_image(self.name, name)
        return EngineImage(answer.out.strip(), sum(map(int, layers.out.split())))

    def save(self, name: str, file: Path) -> None:
        answer = self.programs.ask("docker", "save", "--output", str(file), name)
        if answer.code:
            raise StageError("`docker save` failed", where=name, detail=answer.err.strip())


def find_docker(programs: Programs, builder: str) -> Docker:
    """Find Docker, and what it builds with.

    Raises:
        UsageError: if it is absent, does not answer, is too old or lacks buildx, or has no such builder.

    """
    if not programs.has("docker"):
        raise UsageError(
            "docker is not installed",
            hint="install Docker (docs.docker.com/engine/install), or build with the direct engine",
        )
    client, server = _versions(programs)
    if programs.ask("docker", "buildx", "version").code == 0:
        buildkit = _buildkit(programs, builder)
        if not builder:
            require_version("docker", server, OLDEST, "its builder cannot mount")
        return Docker(programs, buildx=True, builder=builder, buildkit=buildkit)
    if builder:
        raise UsageError("--builder needs buildx, which is not installed", where=builder, hint=_INSTALL)
    if read_version(client) >= NEEDS_BUILDX:
        raise UsageError(f"docker {client} builds with buildx, which is not installed", hint=_INSTALL)
    require_version("docker", server, OLDEST, "its builder cannot mount")
    return Docker(programs, buildx=False, builder="", buildkit=read_version(server))


def _versions(programs: Programs) -> tuple[str, str]:
    answer = programs.ask("docker", "version", "--format", _VERSIONS)
    words = answer.out.split()
    if answer.code or len(words) != 2:
        raise UsageError(
            "docker does not answer",
            hint="start it (`sudo systemctl start docker`), or set DOCKER_HOST to one that runs",
            detail=answer.err.strip(),
        )
    return words[0], words[1]


def _buildkit(programs: Programs, builder: str) -> Version:
    """Ask a builder for its BuildKit's version, (0, 0) where it does not say: one may not be started yet.

    Docker's own builder gives Docker's version where it is older than 23.
    """
    answer = programs.ask("docker", "buildx", "inspect", *([builder] if builder else []))
    if answer.code:
        raise UsageError(
            f"docker has no builder {builder!r}" if builder else "buildx has no builder that works",
            hint=_near(builder, programs.ask("docker", "buildx", "ls").out),
            detail=answer.err.strip(),
        )
    found = re.search(r"^\s*buildkit(?: version)?:\s*(\S+)", answer.out, re.IGNORECASE | re.MULTILINE)
    return read_version(found[1]) if found else (0, 0)


def _near(builder: str, listing: str) -> str:
    """Suggest the nearest of the builders that `docker buildx ls` has, each at the beginning of a line."""
    lines = [line.split()[0].rstrip("*") for line in listing.splitlines()[1:] if line[:1].strip()]
    near = difflib.get_close_matches(builder, lines, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known builders: {', '.join(lines)}" if lines else "`docker buildx create` makes one"


def _reaches(version: Version, oldest: tuple[Version, Version]) -> bool:
    """Compare with a BuildKit and a Docker; one that says nothing yet is taken for a new one."""
    return version == (0, 0) or version >= oldest[version[0] > 0]
