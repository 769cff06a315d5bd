"""Bytes that are stored twice, or stored and then hidden: a layer cannot take back what one below it has."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.cutting import cut_commands, remove_instruction
from lightship.dockerfile.expand import expand, unknown
from lightship.dockerfile.findings import Edit, Found, Rule, Severity
from lightship.dockerfile.packages import read_install
from lightship.dockerfile.shell import Command
from lightship.dockerfile.source import Span
from lightship.dockerfile.stages import Build, Stage, Step

LEFT = Rule(
    "LD401-bytes-left-in-layer",
    "files that one step needs are copied into a layer of their own",
    Severity.WARNING,
    "The layer of the COPY keeps every byte, removed or not: the image has the wheels and what is in them.",
    "mount them where they are used: RUN --mount=type=bind,from=…,source=…,target=…",
)
OWNER_LATER = Rule(
    "LD402-owner-in-later-layer",
    "owner or mode of files is changed in a later layer",
    Severity.WARNING,
    "A file whose owner or mode changes is stored again, whole, in the layer that changes it.",
    "give them at once: COPY --chown=user:group, COPY --chmod=…",
)
RULES = (LEFT, OWNER_LATER)

_OWNER = re.compile(r"[A-Za-z0-9_][\w.-]*(?::[\w.-]*)?")
_SMALL = re.compile(r"\.(?:txt|in|toml|lock|ya?ml|json|cfg|ini|conf|list|asc|gpg|sh|py|md)$")
_HARMLESS = {"useradd", "groupadd", "adduser", "addgroup", "rm", "true", ":", "echo", "set"}


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    for stage in build.final.chain:
        yield from _left(build, stage)
        yield from _owners(stage)


def _left(build: Build, stage: Stage) -> Iterator[Found]:
    """Yield copies whose files a later step removes, and wheels that stay once they are installed."""
    reported: list[Step] = []
    copies: list[Step] = []
    for step in stage.steps:
        if step.keyword in ("COPY", "ADD"):
            copies.append(step)
        for command in step.commands:
            for target, remover in _done_with(step, command):
                copy = _source_of(copies, target)
                if copy and copy not in reported:
                    reported.append(copy)
                    edits = _as_mount(build, stage, copy, step, remover, target)
                    message = f"{target} stays in the layer of its {copy.keyword}"
                    yield LEFT.at(copy.instruction.span, message, edits)


def _done_with(step: Step, command: Command) -> Iterator[tuple[str, Command | None]]:
    """Yield what a command removes, or installs wheels from, with the command that removes it."""
    if command.program in ("rm", "unlink"):
        for word in command.words[1:]:
            if word.text and not word.text.startswith("-"):
                yield step.path(word.text.removesuffix("/*")), command
    found = read_install(command)
    if found and found.manager in ("pip", "uv"):
        places = [
            *found.values("-f", "--find-links"),
            *(posixpath.dirname(one.text) for one in found.packages),
        ]
        for place in places:
            target = step.path(place)
            removers = [one for one in step.commands if one.program == "rm" and target in one.arguments]
            if place.startswith("/"):
                yield target, next(iter(removers), None)


def _source_of(copies: list[Step], target: str) -> Step | None:
    """Find the copy that brought what lies at a path; short texts do not count."""
    for copy in copies:
        small = not copy.sources or all(_SMALL.search(one.text) for one in copy.sources)
        if target != "/" and not small and any(_within(place, target) for place in _places(copy)):
            return copy
    return None


def _places(copy: Step) -> list[str]:
    """Where what is copied lies afterwards, as far as it can be told."""
    into = copy.instruction.words[-1].text.endswith(("/", ".")) or len(copy.sources) > 1
    names = [posixpath.basename(expand(word.text, copy.variables).rstrip("/")) for word in copy.sources]
    inside = [f"{copy.destination.rstrip('/')}/{name}" for name in names if name not in ("", ".", "*")]
    return inside if into and inside else [copy.destination, *inside]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _as_mount(
    build: Build, stage: Stage, copy: Step, step: Step, remover: Command | None, target: str
) -> tuple[Edit, ...]:
    """Turn `COPY --from=x /a /a` and `RUN … && rm -rf /a` into one `RUN` with a bind mount.

    Only where nothing else can notice: one source, absolute paths, and no other instruction that names them.
    """
    instruction, source = copy.instruction, build.document.source
    origin = instruction.flag_value("from")
    if copy.keyword != "COPY" or not origin or len(copy.sources) != 1 or len(instruction.flags) != 1:
        return ()
    here, there = copy.sources[0].text, instruction.words[-1].text
    plain = all(re.fullmatch(r"/[\w./-]+", path) for path in (here, there)) and not instruction.json
    if not plain or there.rstrip("/") != target or step.instruction.json or step.instruction.heredocs:
        return ()
    others = [
        one for one in stage.steps if one not in (copy, step) and target in source.slice(one.instruction.span)
    ]
    users = [
        one for one in step.commands if one is not remover and any(target in word.text for word in one.words)
    ]
    if others or stage is not build.final or not users or not all(_reads_only(one) for one in users):
        return ()
    if _used_in_other_stages(build, stage, target) or (remover and len(remover.words) != 3):
        return ()
    cut = cut_commands(source, step, (remover,)) if remover else ()
    if remover and not cut:
        return ()
    newline = "\r\n" if "\r\n" in source.text else "\n"
    flag = f"--mount=type=bind,from={origin},source={here.rstrip('/')},target={target}"
    mount = f"{flag} {build.document.escape}{newline}    "
    place = (
        step.instruction.flags[0].span.start if step.instruction.flags else step.instruction.args.offsets[0]
    )
    return (remove_instruction(source, copy), Edit(Span(place, place), mount), *cut)


def _reads_only(command: Command) -> bool:
    found = read_install(command)
    return bool(
        found
        and found.manager in ("pip", "uv")
        and found.action == "install"
        and not found.has("-t", "--target", "-e")
    )


def _used_in_other_stages(build: Build, stage: Stage, target: str) -> bool:
    source = build.document.source
    return any(
        build.find(flag.value, other) is stage and target in source.slice(step.instruction.span)
        for other in build.stages
        for step in other.steps
        if (flag := step.instruction.flag("from"))
    )


def _owners(stage: Stage) -> Iterator[Found]:
    copies: list[Step] = []
    for step in stage.steps:
        if step.keyword in ("COPY", "ADD"):
            copies.append(step)
        for command in step.commands:
            if command.program not in ("chown", "chmod"):
                continue
            for word in _targets(command):
                target = step.path(word)
                changed = [copy for copy in copies if _touches(copy, target, recursive=_recursive(command))]
                if changed:
                    edits = _give_owner(stage, step, command, target)
                    message = f"what was copied to {target} is stored again"
                    yield OWNER_LATER.at(command.span, message, edits)


def _recursive(command: Command) -> bool:
    return any(re.fullmatch(r"-\w*R\w*|--recursive", word) for word in command.arguments)


def _targets(command: Command) -> list[str]:
    """Give the paths of a `chown` or `chmod`: what follows the options and the owner or mode."""
    words = [word for word in command.arguments if not re.fullmatch(r"-[RcfvhHLP]+|--[\w=-]+", word)]
    return words if any(word.startswith("--reference") for word in command.arguments) else words[1:]


def _touches(copy: Step, target: str, *, recursive: bool) -> bool:
    places = [*_places(copy), copy.destination]
    if recursive:
        return any(_within(place, target) or _within(target, place) for place in places)
    return target in _places(copy) and "." in posixpath.basename(target)


def _give_owner(stage: Stage, step: Step, command: Command, target: str) -> tuple[Edit, ...]:
    """Add `--chown` to every `COPY` below the target, and let `chown` change the folder itself alone.

    The folder may have been made by `WORKDIR`, and a service may write to it, so its owner must still change.
    """
    if (
        command.program != "chown"
        or len(command.words) != 4
        or command.words[1].text not in ("-R", "--recursive")
    ):
        return ()
    owner = command.words[2].text
    copies = [
        copy
        for copy in stage.steps
        if copy.keyword in ("COPY", "ADD") and _touches(copy, target, recursive=True)
    ]
    if not _OWNER.fullmatch(owner) or unknown(owner) or not copies or _written_below(stage, step, target):
        return ()
    before = stage.all_steps[: stage.all_steps.index(copies[0])]
    below = [
        one for one in before if one.keyword in ("COPY", "ADD") and _touches(one, target, recursive=True)
    ]
    inside = all(_SMALL.search(word.text) for one in below for word in one.sources) and all(
        _within(copy.destination, target) and not copy.instruction.flag("chown") for copy in copies
    )
    if (
        not inside
        or not _user_exists(owner, before)
        or stage.steps.index(copies[-1]) > stage.steps.index(step)
    ):
        return ()
    flag = [_insert_flag(copy, f"--chown={owner} ") for copy in copies]
    recursive = command.words[1].span
    return (*flag, Edit(Span(recursive.start, command.words[2].span.start), ""))


def _insert_flag(copy: Step, text: str) -> Edit:
    flags = copy.instruction.flags
    place = flags[0].span.start if flags else copy.instruction.args.offsets[0]
    return Edit(Span(place, place), text)


def _user_exists(owner: str, before: tuple[Step, ...]) -> bool:
    """Numbers need no account; names must have been made before the first `COPY` that uses them."""
    user, _, group = owner.partition(":")
    made = {
        word.text
        for step in before
        for one in step.commands
        if one.program in _ACCOUNTS
        for word in one.words
    }
    return all(not name or name.isdecimal() or name == "root" or name in made for name in (user, group))


def _written_below(stage: Stage, last: Step, target: str) -> bool:
    """Tell whether a `RUN` up to the `chown` may have written below the target, whose files it must reach."""
    for step in stage.all_steps[: stage.all_steps.index(last) + 1]:
        for command in step.commands:
            quiet = command.program in _HARMLESS or command.program in ("chown", "chmod")
            found = read_install(command)
            system = found is not None and not found.has(
                "-t", "--target", "--prefix", "--root", "-e", "--editable"
            )
            if not quiet and not (system and found and found.manager in ("apt", "apk", "pip", "conda")):
                return True
            if command.program in ("useradd", "adduser") and target in command.arguments:
                return True
    return False


_ACCOUNTS = ("useradd", "groupadd", "adduser", "addgroup")
