"""What Podman and Buildah have in common: both build with Buildah's code, and share their storage."""

from __future__ import annotations

from collections.abc import Iterator

from lightship.dockerfile.emit.bases import CONTEXT
from lightship.engines.model import PINNED, BuildRequest, common_arguments
from lightship.engines.programs import Programs
from lightship.errors import StageError, UsageError
from lightship.net.redact import redact_text

_BASES = ("PYTHON_IMAGE", "BUILDER_IMAGE")


def build(program: str, request: BuildRequest, programs: Programs) -> None:
    """Run the build; intermediate layers are kept as cache, and the health check, which OCI's format lacks.

    Raises:
        StageError: if it fails.

    """
    command = [program, "build", "--layers", "--format", "docker", *common_arguments(request)]
    answer = programs.show(*command, *_layouts(request), *request.extra, str(request.context), environ={})
    if answer.code:
        raise StageError(
            f"`{program} build` failed with status {answer.code}",
            where=request.name,
            hint="its own words say why",
            detail=redact_text(answer.err.strip()),
        )


def _layouts(request: BuildRequest) -> Iterator[str]:
    """Name images in layouts; a base by its arguments, too: Buildah expands them after it looks for one."""
    for name, layout in request.layouts.items():
        image = f"oci:{layout.folder}:{PINNED}"
        yield f"--build-context={name}=container-image://{image}"
        if name == CONTEXT:
            yield from (f"--build-arg={argument}={image}" for argument in _BASES)


def ask_version(program: str, programs: Programs, *question: str) -> str:
    """Ask a program that must be there and must work.

    Raises:
        UsageError: if it is absent, or cannot reach its storage or service.

    """
    if not programs.has(program):
        raise UsageError(
            f"{program} is not installed",
            hint=f"install it (`apt-get install {program}`), or build with the direct engine",
        )
    answer = programs.ask(program, *question)
    if answer.code:
        raise UsageError(
            f"{program} does not work here", hint=f"`{program} info` says more", detail=answer.err.strip()
        )
    return answer.out.strip()
