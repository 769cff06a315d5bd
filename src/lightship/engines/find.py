"""Engines by their names."""

from __future__ import annotations

import difflib

from lightship.engines.buildah import find_buildah
from lightship.engines.docker import find_docker
from lightship.engines.model import Engine
from lightship.engines.podman import find_podman
from lightship.engines.programs import Programs
from lightship.errors import UsageError

ENGINES = ("docker", "podman", "buildah")
DIRECT = "direct"


def check_name(name: str) -> None:
    """Insist on the name of an engine, ours or another.

    Raises:
        UsageError: if there is none (the nearest one is suggested).

    """
    known = (DIRECT, *ENGINES)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise UsageError(
            f"unknown engine {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"known engines: {', '.join(known)}",
        )


def find_engine(name: str, programs: Programs, builder: str = "") -> Engine:
    """Find an external engine on this machine; `builder` is one of buildx's.

    Raises:
        UsageError: if it is absent, does not run, is too old, or has no such builder.

    """
    if builder and name != "docker":
        raise UsageError(
            "--builder names one of buildx's builders", where=builder, hint="use it with --engine docker"
        )
    if name == "docker":
        return find_docker(programs, builder)
    return find_podman(programs) if name == "podman" else find_buildah(programs)
