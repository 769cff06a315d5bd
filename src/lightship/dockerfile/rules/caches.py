"""Caches and lists that a package manager leaves in a layer of the image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.cutting import append_command
from lightship.dockerfile.findings import Edit, Found, Rule, Severity
from lightship.dockerfile.packages import Install, installs
from lightship.dockerfile.shell import Command
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Build, Stage, Step

APT_LISTS = Rule(
    "LD208-apt-lists",
    "apt's package lists stay in a layer",
    Severity.WARNING,
    "The lists are 20 to 50 MB and old the next day; what a later layer removes is stored all the same.",
    "end the same RUN with rm -rf /var/lib/apt/lists/*, or mount a cache there",
)
PACKAGE_CACHE = Rule(
    "LD209-package-cache",
    "a package manager's cache stays in a layer",
    Severity.WARNING,
    "Every archive is then stored twice: unpacked, and in a cache that nothing reads again.",
    "turn the cache off (--no-cache-dir, --no-cache), or mount one with --mount=type=cache",
)
DOCKER_CLEAN = Rule(
    "LD210-apt-cache-emptied",
    "apt empties the cache that is mounted for it",
    Severity.NOTE,
    "Debian's and Ubuntu's images have a hook, docker-clean, that deletes every package once installed.",
    "remove /etc/apt/apt.conf.d/docker-clean before, and set Binary::apt::APT::Keep-Downloaded-Packages",
)
RULES = (APT_LISTS, PACKAGE_CACHE, DOCKER_CLEAN)

_LISTS = "/var/lib/apt/lists"
_SWITCHES = {"pip": "--no-cache-dir", "uv": "--no-cache", "apk": "--no-cache"}
_VARIABLES = {
    "pip": ("PIP_NO_CACHE_DIR",),
    "uv": ("UV_NO_CACHE",),
    "poetry": (),
    "pipenv": ("PIP_NO_CACHE_DIR",),
}
_FOLDERS = {
    "pip": ("/root/.cache/pip",),
    "uv": ("/root/.cache/uv",),
    "poetry": ("/root/.cache/pypoetry", "/tmp/poetry_cache"),  # noqa: S108 - a path in images, which the official guides use
    "pipenv": ("/root/.cache/pipenv",),
    "pdm": ("/root/.cache/pdm",),
    "conda": ("/opt/conda/pkgs", "/root/micromamba/pkgs", "/opt/mamba/pkgs"),
}
_LOCATIONS = (
    "PIP_CACHE_DIR",
    "UV_CACHE_DIR",
    "POETRY_CACHE_DIR",
    "PIPENV_CACHE_DIR",
    "CONDA_PKGS_DIRS",
    "XDG_CACHE_HOME",
)


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    for stage in build.final.chain:
        for step in stage.steps:
            yield from _apt_lists(build, step)
            yield from _package_caches(step)
    for stage in build.stages:
        yield from _docker_clean(stage)


def _apt_lists(build: Build, step: Step) -> Iterator[Found]:
    updates = [found for found in installs(step) if found.manager == "apt" and found.action == "update"]
    if not updates or step.has_cache(_LISTS) or _removes(step, _LISTS):
        return
    edits = () if _lists_needed(build, step) else append_command(build.document, step, f"rm -rf {_LISTS}/*")
    yield APT_LISTS.at(updates[0].command.span, f"{_LISTS} stays in this layer", edits)


def _lists_needed(build: Build, step: Step) -> bool:
    """Tell whether a later step installs from the lists that this one fetched."""
    if not any(found.manager == "apt" and found.action == "install" for found in installs(step)):
        return True
    following = (_following(stage.all_steps, step) for stage in build.stages if step in stage.all_steps)
    return any(_next_apt(steps) == "install" for steps in following)


def _following(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    return steps[steps.index(step) + 1 :]


def _next_apt(steps: tuple[Step, ...]) -> str:
    """Tell what apt is asked for next: `update` makes the lists anew."""
    actions = (found.action for step in steps for found in installs(step) if found.manager == "apt")
    return next((action for action in actions if action in ("update", "install")), "")


def _removes(step: Step, folder: str) -> bool:
    """Tell whether a step removes a folder's content, by `rm` or by `find -delete`."""
    return any(
        any(
            word.startswith(folder) or folder.startswith(f"{word.rstrip('/*')}/")
            for word in command.arguments
            if word.startswith("/")
        )
        for command in step.commands
        if command.program == "rm" or (command.program == "find" and "-delete" in command.arguments)
    )


def _package_caches(step: Step) -> Iterator[Found]:
    for found in installs(step):
        if found.action not in ("install", "wheel", "download") or _without_cache(step, found):
            continue
        message = f"the cache of {found.manager} stays in this layer"
        yield PACKAGE_CACHE.at(found.command.span, message, _switch_off(found))


def _without_cache(step: Step, found: Install) -> bool:
    if found.manager == "apk":
        return (
            found.has("--no-cache")
            or step.has_cache("/var/cache/apk", "/etc/apk/cache")
            or _removes(step, "/var/cache/apk")
        )
    if found.manager not in _FOLDERS:
        return True  # apt: the docker-clean hook of the official images empties it
    if found.has("--no-cache-dir", "--no-cache", "-n") or (
        found.manager == "pip" and found.has("--no-index")
    ):
        return True
    if any(_is_set(step, found, name) for name in _VARIABLES.get(found.manager, ())):
        return True
    folders = _folders(step, found)
    return (
        step.has_cache(*folders) or any(_removes(step, folder) for folder in folders) or _cleans(step, found)
    )


def _folders(step: Step, found: Install) -> tuple[str, ...]:
    """Where the manager keeps its cache: for root, for the user in force, and where it is told."""
    told = [step.variables[name] for name in _LOCATIONS if name in step.variables]
    told += [
        value for item in found.command.env for name, _, value in (item.partition("="),) if name in _LOCATIONS
    ]
    told += found.values("--cache-dir")
    homes = [
        folder.replace("/root/", f"/home/{step.user.partition(':')[0]}/")
        for folder in _FOLDERS[found.manager]
    ]
    return (*_FOLDERS[found.manager], *homes, *told)


def _is_set(step: Step, found: Install, name: str) -> bool:
    """PIP_NO_CACHE_DIR is true for any value that is not false, `0` and `off` being false."""
    exported = [word for one in step.commands if one.program == "export" for word in one.arguments]
    inline = dict(item.partition("=")[::2] for item in (*exported, *found.command.env))
    value = inline.get(name, step.variables.get(name, ""))
    return value.lower() not in ("", "0", "false", "off", "no")


def _cleans(step: Step, found: Install) -> bool:
    """Tell whether the manager is told to empty its cache in the same step."""
    return any(_cleans_cache(command, found.manager) for command in step.commands)


def _cleans_cache(command: Command, manager: str) -> bool:
    words = " ".join((command.program, *command.arguments))
    if manager == "conda":
        return bool(re.match(r"(?:conda|mamba|micromamba) clean\b", words))
    if manager == "poetry":
        return "cache clear" in words
    return bool(re.match(rf"(?:python3? -m )?{manager}3? cache (?:purge|clean|prune)", words))


def _switch_off(found: Install) -> tuple[Edit, ...]:
    switch = _SWITCHES.get(found.manager)
    place = found.verb.span
    if not switch or found.command.span == place or place.end - place.start != len(found.verb.text):
        return ()
    return (Edit(Span(place.end, place.end), f" {switch}"),)


def _docker_clean(stage: Stage) -> Iterator[Found]:
    kept = False
    for step in stage.all_steps:
        text = step.instruction.args.text + "".join(
            heredoc.body.text for heredoc in step.instruction.heredocs
        )
        kept = kept or "docker-clean" in text or "Keep-Downloaded-Packages" in text
        mounted = step.has_cache("/var/cache/apt/archives", kept=True) and any(
            found.manager == "apt" for found in installs(step)
        )
        if mounted and not kept and step in stage.steps:
            message = "docker-clean deletes what this cache is to keep"
            yield DOCKER_CLEAN.at(step.instruction.span, message)
