"""What is copied from the build context, and when: the cache of a build is made or broken here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.expand import expand
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.packages import Install, installs
from lightship.dockerfile.shell import Command
from lightship.dockerfile.stages import Build, Stage, Step

EVERYTHING_FIRST = Rule(
    "LD101-everything-before-install",
    "the whole context is copied before the dependencies are installed",
    Severity.WARNING,
    "A change of any file, a test or a README too, makes every dependency be installed again.",
    "copy the files that name the dependencies, install, and copy the rest after that",
)
EVERYTHING_IN_BUILDER = Rule(
    "LD102-everything-in-builder",
    "the whole context is copied into a stage that builds dependencies only",
    Severity.WARNING,
    "The stage reads the files that name the dependencies and nothing else; the rest only spoils its cache.",
    "copy the files that name the dependencies alone",
)
ORDER = Rule(
    "LD103-layer-order",
    "what changes often comes before what takes long",
    Severity.WARNING,
    "Every layer after one that changed is made anew: a new line of code, and all is installed again.",
    "put what changes with every commit after the installations",
)
RULES = (EVERYTHING_FIRST, EVERYTHING_IN_BUILDER, ORDER)

_MANIFEST = re.compile(
    r"(?:.*requirements?.*\.(?:txt|in|lock)|.*constraints?.*\.txt|pyproject\.toml|setup\.(?:py|cfg)|poetry\.(?:lock|toml)|uv\.lock"
    r"|pylock.*\.toml|Pipfile(?:\.lock)?|pdm\.lock|.*environment.*\.ya?ml|.*conda.*\.(?:ya?ml|lock|txt)|package.*\.json|yarn\.lock|pnpm-lock\.yaml"
    r"|.*\.(?:whl|deb|list|asc|gpg|crt|pem|conf|repo|tar\.gz|tgz|zip)|pip\.conf|requirements|README.*|LICENSE.*|\.python-version"
    r"|.*install.*\.sh|.*deps.*|\.npmrc|.*packages.*\.txt|apt.*)",
    re.IGNORECASE,
)
_VOLATILE = re.compile(
    r"(?:.*_)?(?:BUILD_?(?:DATE|TIME|NUMBER|ID)|GIT_(?:SHA|COMMIT|REF|BRANCH|HASH)|COMMIT(?:_SHA|_HASH)?|VCS_REF|REVISION|CACHE_?BUST(?:ER)?)",
    re.IGNORECASE,
)
_PROJECT = re.compile(r"(?:\.|\./|\.\[.*|/[\w./-]+|\./.*)")
_BUILDERS = {
    "make",
    "npm",
    "yarn",
    "pnpm",
    "npx",
    "cmake",
    "cargo",
    "go",
    "mvn",
    "gradle",
    "hatch",
    "flit",
    "bazel",
    "meson",
    "tsc",
    "ninja",
}


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    for stage in build.stages:
        yield from _check_order(stage)
        if stage in build.builders:
            yield from _check_builder(stage)


def takes_everything(step: Step) -> bool:
    """Tell whether a step copies the whole context."""
    return step.from_context and any(
        expand(word.text, step.variables).rstrip("/") in (".", "", "*", "./*") for word in step.sources
    )


def _check_order(stage: Stage) -> Iterator[Found]:
    everything: Step | None = None
    sources: Step | None = None
    for step in stage.steps:
        if takes_everything(step):
            everything = everything or step
        elif step.from_context and not _manifests_only(step):
            sources = sources or step
        elif step.keyword == "RUN":
            yield from _spoilt(step, everything, sources)
            if _slow(step):
                everything = sources = None
    yield from _volatile_arguments(stage)


def _spoilt(step: Step, everything: Step | None, sources: Step | None) -> Iterator[Found]:
    """Say which copy before a slow step makes it run again."""
    slow = _slow(step)
    if slow is None:
        return
    if everything and slow.is_python:
        what = f"{slow.command.program} {slow.verb.text}"
        message = f"any change of the context makes `{what}` run again"
        yield EVERYTHING_FIRST.at(everything.instruction.span, message)
    elif copied := everything or sources:
        message = f"a change of these files makes `{slow.command.program} {slow.verb.text}` below run again"
        yield ORDER.at(copied.instruction.span, message)


def _slow(step: Step) -> Install | None:
    """Find what a step installs from elsewhere; the project's own installation does need its files."""
    for found in installs(step):
        if found.action in ("install", "wheel", "download") and not installs_project(found):
            return found
    return None


def installs_project(found: Install) -> bool:
    """Tell whether the project itself is installed, so that its files have to be there."""
    if found.manager in ("pip", "uv") and found.verb.text in ("install", "wheel"):
        projects = [word.text for word in found.packages if _PROJECT.fullmatch(word.text)]
        return bool(projects) or found.has("-e", "--editable")
    if found.manager == "uv":
        return not found.has("--no-install-project", "--no-install-workspace")
    if found.manager in ("poetry", "pdm"):
        return not found.has("--no-root", "--no-self", "--only-root")
    return False


def _manifests_only(step: Step) -> bool:
    """Tell whether only files that name dependencies are copied: by what they are called, here or there."""
    names = [_base(word.text) for word in step.sources]
    if len(names) == 1 and _MANIFEST.fullmatch(_base(step.instruction.words[-1].text)):
        return True
    return all(_MANIFEST.fullmatch(name) for name in names)


def _base(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _volatile_arguments(stage: Stage) -> Iterator[Found]:
    """A build argument that is new at every build spoils the cache of each `RUN` after it."""
    waiting: Step | None = None
    for step in stage.steps:
        if step.keyword in ("ARG", "ENV") and any(
            _VOLATILE.fullmatch(name) for name, _, _ in step.instruction.pairs()
        ):
            waiting = waiting or step
        slow = _slow(step) if step.keyword == "RUN" else None
        if waiting and slow:
            message = (
                f"new at every build, it makes `{slow.command.program} {slow.verb.text}` below run again"
            )
            yield ORDER.at(waiting.instruction.span, message)
            waiting = None


def _check_builder(stage: Stage) -> Iterator[Found]:
    python = [found for step in stage.steps for found in installs(step) if found.is_python]
    if not python or any(installs_project(found) for found in python):
        return
    if any(_builds(command) for step in stage.steps for command in step.commands):
        return
    spoilt = {found.span for found in _check_order(stage) if found.rule is EVERYTHING_FIRST}
    for step in stage.steps:
        if takes_everything(step) and step.instruction.span not in spoilt:
            message = f"{stage.label} builds dependencies, and needs none of the other files"
            yield EVERYTHING_IN_BUILDER.at(step.instruction.span, message)


def _builds(command: Command) -> bool:
    """Tell whether a command may need the project's files, as far as its name goes."""
    if command.program in _BUILDERS or (
        command.words and command.words[0].text.startswith(("./", "bash", "sh"))
    ):
        return True
    return (
        command.program.startswith("python")
        and "pip" not in command.arguments[:2]
        and "venv" not in command.arguments[:2]
    )
