"""What the final stage installs, that it should not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.cutting import cut_commands
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.packages import Install, bare_name, chain_installs, installs, stage_installs
from lightship.dockerfile.rules.copying import installs_project
from lightship.dockerfile.stages import Build, Stage, Step

FROM_INDEX = Rule(
    "LD202-index-in-final-stage",
    "packages come from an index in the final stage of a multi-stage file",
    Severity.WARNING,
    "The image then holds what the index had that day, not what the builder made and was tested.",
    "install what the builder made: pip install --no-index --find-links, or copy its virtual environment",
)
COMPILER = Rule(
    "LD203-compiler-in-final-stage",
    "compilers or headers are installed in the final stage",
    Severity.WARNING,
    "They are large, need updates of their own, and let an intruder build tools; no service runs them.",
    "install them in a builder stage, and copy from it what they made",
)
FULL_BASE = Rule(
    "LD204-compilers-in-base",
    "the final stage is built on an image with compilers",
    Severity.WARNING,
    "The full images bring gcc, headers and hundreds of packages that no service uses: some 900 MB unpacked.",
    "build on the slim or runtime image of the same version, and compile in a builder stage",
)
UPGRADE = Rule(
    "LD205-pip-upgrade",
    "pip is upgraded in the final stage",
    Severity.WARNING,
    "It reaches the index at every build, stores pip twice, and changes nothing for installing wheels.",
    "leave it out: the pip of the base image installs wheels as well",
)
RULES = (FROM_INDEX, COMPILER, FULL_BASE, UPGRADE)

_COMPILERS = re.compile(
    r"(?:gcc|g\+\+|clang|gfortran|cpp)(?:-\d+)?|build-essential|build-base|make|cmake|ninja-build|musl-dev|libc6?-dev|linux-headers(?:-.*)?"
    r"|python3?(?:\.\d+)?-dev|python3?-all-dev|rustc|cargo|golang|nasm|yasm|bison|flex|autoconf|automake|libtool|pkg-config"
    r"|cuda-(?:nvcc|toolkit|compiler|command-line-tools).*|nvidia-cuda-toolkit|dpkg-dev|.*-dev(?:-.*)?|.*-devel|gxx_linux-64|gcc_linux-64"
)
_NO_HEADERS = re.compile(r"(?:software-properties|systemd)-.*")
# With these, what was there before is kept and all else removed, as in the official images' own recipes.
_RESTORED = {"$BUILD_DEPS", "${BUILD_DEPS}", "$buildDeps", "${buildDeps}", "$build_deps"}
_TOOLS = ("pip", "setuptools", "wheel")
_LOCAL = re.compile(r"(?:\.|/|~|file:|[\w./*-]+\.whl\b|[\w./-]*\*).*")


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    final = build.final
    source = build.document.source
    for step, found in chain_installs(final):
        yield from _upgrade(build, step, found)
    if len(build.stages) > 1:
        for step, found in chain_installs(final) if build.builders else stage_installs(final):
            yield from _from_index(step, found)
    for stage in final.chain:
        yield from _compilers(stage)
    if final.root_image.has_compilers:
        name = source.slice(final.chain[0].start.words[0].span)
        yield FULL_BASE.at(final.chain[0].start.words[0].span, f"{name} has compilers and headers")


def _from_index(step: Step, found: Install) -> Iterator[Found]:
    if not found.is_python or found.action != "install" or found.has("--no-index", "--offline"):
        return
    if found.manager in ("pip", "uv") and not _asks_index(found):
        return
    if step.env.get("PIP_NO_INDEX", "") not in ("", "0") or "PIP_NO_INDEX=1" in found.command.env:
        return
    message = f"`{found.command.program} {found.verb.text}` asks the index"
    yield FROM_INDEX.at(found.command.span, message)


def _asks_index(found: Install) -> bool:
    """Tell whether anything is installed by name; files and the project itself with --no-deps are not."""
    if found.manager == "uv" and found.verb.text == "sync" and not found.packages:
        return True
    if found.requirement_files:
        return True
    if upgrades_only_pip(found):
        return False  # a rule of its own says so
    named = [word for word in found.packages if not _LOCAL.fullmatch(word.text)]
    return bool(named) or (installs_project(found) and not found.has("--no-deps"))


def _compilers(stage: Stage) -> Iterator[Found]:
    for step in stage.steps:
        every = installs(step)
        removed = {word.text for found in every if found.action == "remove" for word in found.packages}
        if removed & _RESTORED:
            continue
        for found in every:
            if found.action != "install" or found.manager not in ("apt", "apk", "conda"):
                continue
            if removed.isdisjoint(found.values("--virtual", "-t")):
                yield from _staying(found, removed)


def is_build_tool(name: str) -> bool:
    """Tell whether a package of this name is a compiler, a tool of builds, or headers."""
    return _COMPILERS.fullmatch(name) is not None and _NO_HEADERS.fullmatch(name) is None


def _staying(found: Install, removed: set[str]) -> Iterator[Found]:
    """Yield compilers and headers that the same step does not remove again."""
    for word in found.packages:
        name = bare_name(word.text)
        if is_build_tool(name) and name not in removed:
            yield COMPILER.at(word.span, f"{name} stays in the image")


def _upgrade(build: Build, step: Step, found: Install) -> Iterator[Found]:
    if "pip" not in found.names or found.manager != "pip" or found.action != "install":
        return
    if not found.has("-U", "--upgrade") and not any("=" in word.text for word in found.packages):
        return
    alone = upgrades_only_pip(found)
    edits = cut_commands(build.document.source, step, (found.command,)) if alone else ()
    yield UPGRADE.at(found.command.span, "pip is upgraded from the index", edits)


def upgrades_only_pip(found: Install) -> bool:
    """Tell whether a command brings pip's own tools, and nothing a service runs."""
    return bool(found.names) and not found.requirement_files and all(name in _TOOLS for name in found.names)
