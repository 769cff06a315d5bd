"""Libraries that the builder links to, and the final stage does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.headers import HEADERS, Library
from lightship.dockerfile.packages import chain_installs, stage_installs
from lightship.dockerfile.stages import Build
from lightship.wheels.model import LockedLibrary

MISSING = Rule(
    "LD201-runtime-library-missing",
    "the builder has a library's headers, the final stage lacks the library",
    Severity.ERROR,
    "What was compiled with it ends with `cannot open shared object file`, at the first start, not before.",
    "install the runtime package in the final stage; if nothing links to it, drop the headers",
)
RULES = (MISSING,)


_ESSENTIAL = frozenset(
    ("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libbz2-1.0", "liblzma5", "libzstd1", "liblz4-1")
)
"""What Debian's smallest images have."""


def check(build: Build, context: Context) -> Iterator[Found]:
    final = build.final
    if final.root_image.libc != "glibc" or final.root_image.has_compilers or _takes_all(build):
        return
    present = frozenset(
        name for _, found in chain_installs(final) if found.action == "install" for name in found.names
    )
    python = final.root_image.python != "" or any(name.startswith("python3") for name in present)
    if context.libraries is not None:
        yield from _needed(build, context.libraries, present, python=python)
        return
    for stage in build.builders:
        for _, found in stage_installs(stage):
            if found.manager != "apt" or found.action != "install":
                continue
            for word, name in zip(found.packages, found.names, strict=True):
                library = HEADERS.get(name)
                if not library or library.is_in(present) or name in present or (python and library.in_python):
                    continue
                message = f"{stage.label} compiles against {name}; the final stage lacks {library.runtime}"
                yield MISSING.at(word.span, message)


def _needed(
    build: Build, libraries: tuple[LockedLibrary, ...], present: frozenset[str], *, python: bool
) -> Iterator[Found]:
    """Compare what the locked wheels link to with what is installed: headers alone prove nothing."""
    told: set[str] = set()
    for need in libraries:
        known = next((one for one in HEADERS.values() if _names(one, need.package)), None)
        library = known or Library(need.package, re.escape(need.package.removesuffix("t64")))
        if library.is_in(present) or need.package in _ESSENTIAL | told or (python and library.in_python):
            continue
        told.add(need.package)
        message = f"{need.wheel} needs {need.soname} ({need.file}); the final stage lacks {need.package}"
        yield MISSING.at(build.final.start.span, message)


def _names(library: Library, package: str) -> bool:
    return library.is_in(frozenset((package,)))


def _takes_all(build: Build) -> bool:
    """Tell whether libraries may come by `COPY --from`, out of the folders where the loader looks."""
    folders = ("/usr/lib", "/lib", "/usr/local/lib", "/usr", "/")
    return any(
        step.path(word.text).startswith(("/usr/lib/", "/lib/")) or step.path(word.text) in folders
        for stage in build.final.chain
        for step in stage.steps
        if step.instruction.flag("from")
        for word in step.sources
    )
