"""What BuildKit refuses in an instruction that parses (`frontend/dockerfile/instructions/parse.go`)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from lightship.dockerfile.model import Instruction, Problem

_COPY = ("chown", "chmod", "link", "exclude")
KEYWORDS: dict[str, tuple[str, ...]] = {
    "ADD": (*_COPY, "keep-git-dir", "checksum", "unpack"),
    "ARG": (),
    "CMD": (),
    "COPY": (*_COPY, "from", "parents"),
    "ENTRYPOINT": (),
    "ENV": (),
    "EXPOSE": (),
    "FROM": ("platform",),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
    "LABEL": (),
    "MAINTAINER": (),
    "ONBUILD": (),
    "RUN": ("mount", "network", "security", "device"),
    "SHELL": (),
    "STOPSIGNAL": (),
    "USER": (),
    "VOLUME": (),
    "WORKDIR": (),
}
"""Every keyword, with the flags it takes."""

_ANY_ARGUMENTS = ("CMD", "ENTRYPOINT", "RUN")
_NAMELESS = ("FROM", "ONBUILD", "MAINTAINER")
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE | re.ASCII)


def instruction_problems(instruction: Instruction) -> Iterator[Problem]:
    """Yield what is wrong with one instruction by itself."""
    keyword = instruction.keyword
    if keyword not in KEYWORDS:
        yield _unknown(instruction)
        return
    yield from _flag_problems(instruction)
    if not instruction.words and keyword not in _ANY_ARGUMENTS:
        message = f"{keyword} requires at least one argument"
        yield Problem(message, "say what it is to do, or remove it", instruction.span)
    elif check := _OWN.get(keyword):
        yield from check(instruction)
    if keyword == "ONBUILD" and instruction.trigger:
        yield from _trigger_problems(instruction.trigger)


def order_problems(instructions: Sequence[Instruction]) -> Iterator[Problem]:
    """Yield instructions that stand before any stage, where only `ARG` may."""
    for instruction in instructions:
        if instruction.keyword == "FROM":
            return
        if instruction.keyword != "ARG":
            message = f"no build stage in current context: {instruction.keyword} before FROM"
            yield Problem(message, "begin with FROM and the image to build on", instruction.span)
            return
    if instructions:
        yield Problem("no build stage: there is no FROM", "add FROM", instructions[-1].span)


def _unknown(instruction: Instruction) -> Problem:
    near = difflib.get_close_matches(instruction.keyword.upper(), KEYWORDS, n=1)
    hint = f"did you mean {near[0]}?" if near else "a line that continues another ends the other with \\"
    return Problem(f"unknown instruction: {instruction.keyword}", hint, instruction.keyword_span)


def _flag_problems(instruction: Instruction) -> Iterator[Problem]:
    known = KEYWORDS[instruction.keyword]
    for flag in instruction.flags:
        if flag.name not in known:
            near = difflib.get_close_matches(flag.name, known, n=1)
            several = f"{instruction.keyword} takes {', '.join(f'--{name}' for name in known) or 'no flag'}"
            hint = f"did you mean --{near[0]}?" if near else several
            yield Problem(f"unknown flag: --{flag.name}", hint, flag.span)


def _from(instruction: Instruction) -> Iterator[Problem]:
    words = instruction.words
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].text.lower() != "as"):
        message = "FROM requires either one or three arguments"
        yield Problem(message, "write FROM image, or FROM image AS name", instruction.span)
    elif len(words) == 3 and not _STAGE_NAME.fullmatch(words[2].text):
        message = f"invalid name for build stage: {words[2].text!r}"
        yield Problem(message, "it begins with a letter, and has letters, digits, - _ .", words[2].span)


def _copy(instruction: Instruction) -> Iterator[Problem]:
    if len(instruction.words) < 2:
        message = f"{instruction.keyword} requires at least two arguments, but only one was provided"
        yield Problem(message, "say where it is to go, too", instruction.span)


def _pairs(instruction: Instruction) -> Iterator[Problem]:
    for name, _, span in instruction.pairs():
        if not name:
            yield Problem(f"{instruction.keyword} names can not be blank", "name it", span)


def _health(instruction: Instruction) -> Iterator[Problem]:
    kind = instruction.words[0].text.upper()
    if kind == "NONE":
        if len(instruction.words) > 1:
            yield Problem("HEALTHCHECK NONE takes no arguments", "remove them", instruction.span)
    elif kind != "CMD":
        message = f"unknown type {instruction.words[0].text!r} in HEALTHCHECK"
        yield Problem(message, "write HEALTHCHECK CMD and the command", instruction.words[0].span)
    elif len(instruction.words) == 1:
        yield Problem("missing command after HEALTHCHECK CMD", "add it", instruction.span)


def _shell(instruction: Instruction) -> Iterator[Problem]:
    if not instruction.json:
        message = "SHELL requires the arguments to be in JSON form"
        yield Problem(message, 'write SHELL ["/bin/bash", "-c"]', instruction.span)


def _trigger_problems(trigger: Instruction) -> Iterator[Problem]:
    if trigger.keyword in _NAMELESS:
        message = f"{trigger.keyword} isn't allowed as an ONBUILD trigger"
        yield Problem(message, "take it out of ONBUILD", trigger.span)
    else:
        yield from instruction_problems(trigger)


_OWN = {
    "FROM": _from,
    "COPY": _copy,
    "ADD": _copy,
    "ENV": _pairs,
    "ARG": _pairs,
    "LABEL": _pairs,
    "HEALTHCHECK": _health,
    "SHELL": _shell,
}
