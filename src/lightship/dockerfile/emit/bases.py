"""Which images the Dockerfile is built on, and what they have already."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lightship.digest import Digest
from lightship.dockerfile.emit.model import Style
from lightship.errors import UsageError
from lightship.plan.model import EnvironmentLayer, Plan
from lightship.project.config import Config
from lightship.project.detect import debian_suite, is_suite

LAYOUT = "oci:"
CONTEXT = "base"
"""Name of the build context that stands for a base which is an image in a layout."""
_SLIM = frozenset({
    "base-files", "bash", "ca-certificates", "coreutils", "dash", "findutils", "grep", "gzip", "hostname",
    "libbz2-1.0", "libc-bin", "libc6", "libcrypt1", "libdb5.3", "libexpat1", "libffi8", "libgcc-s1",
    "liblzma5", "libncursesw6", "libreadline8", "libsqlite3-0", "libssl3", "libssl3t64", "libstdc++6",
    "libtinfo6",
    "libuuid1", "media-types", "ncurses-base", "netbase", "sed", "tar", "tzdata", "zlib1g",
})  # fmt: skip
"""Of what wheels and targets ask for, the packages that every `python:*-slim` image has."""


def slim_has(package: str) -> bool:
    return package in _SLIM


def pinned_name(reference: str, digests: Collection[Digest]) -> str:
    """Name an image of a registry with its digest, where that is the same for all that the files are for."""
    return f"{reference}@{next(iter(digests))}" if len(digests) == 1 and "@" not in reference else reference


def base_images(config: Config, plans: Sequence[Plan], style: Style, *, compiles: bool) -> tuple[str, str]:
    """Name the runtime's image and the builder's: one with compilers only where something is compiled.

    Raises:
        UsageError: if the base is an image whose Python leaves its packages to Debian.

    """
    if not is_suite(config.base):
        _check_python(plans[0], style, config.base)
        pinned = pinned_name(config.base, {plan.base.digest for plan in plans if plan.base})
        name = CONTEXT if config.base.startswith(LAYOUT) else pinned
        return name, name
    suite = debian_suite(config.base)
    slim = f"python:{config.python}-slim-{suite}"
    return slim, f"python:{config.python}-{suite}" if compiles else slim


def _check_python(plan: Plan, style: Style, base: str) -> None:
    interpreters = [layer.interpreter for layer in plan.layers if isinstance(layer, EnvironmentLayer)]
    if style != "venv" and not all(path.startswith("/usr/local/") for path in interpreters):
        raise UsageError(
            f"the base's Python is {interpreters[0]}, which leaves installing to the system's own packages",
            where=base,
            hint="use --style venv, or a base whose Python is in /usr/local, as in the python:* images",
        )
