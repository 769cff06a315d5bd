"""How the service is started: signals, and bytecode."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lightship.dockerfile.context import Context
from lightship.dockerfile.findings import Edit, Found, Rule, Severity
from lightship.dockerfile.model import Instruction
from lightship.dockerfile.packages import chain_installs
from lightship.dockerfile.shell import Command, commands
from lightship.dockerfile.source import Source, Span
from lightship.dockerfile.stages import Build, Stage, Step

SHELL_FORM = Rule(
    "LD601-shell-form",
    "the service is started by a shell that stays",
    Severity.WARNING,
    "The shell is process 1 and passes no signal on: docker stop waits ten seconds, then kills the service.",
    'write the command as a JSON list, or begin what sh -c runs with "exec"',
)
NO_BYTECODE = Rule(
    "LD602-no-bytecode",
    "Python may write no bytecode, and none is compiled",
    Severity.NOTE,
    "Every start of every container compiles every module again: seconds, with large dependencies.",
    "drop PYTHONDONTWRITEBYTECODE and run python -m compileall in the build (uv: UV_COMPILE_BYTECODE=1)",
)
RULES = (SHELL_FORM, NO_BYTECODE)

_PLAIN = re.compile(r"[\w@%+=:,./ \t~-]+")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")


def check(build: Build, context: Context) -> Iterator[Found]:  # noqa: ARG001
    final = build.final
    for instruction in _in_force(final):
        yield from _shell_form(build.document.source, instruction)
    yield from _bytecode(final)


def _in_force(final: Stage) -> Iterator[Instruction]:
    """Yield the last `CMD` and `ENTRYPOINT`; with an `ENTRYPOINT` in JSON, `CMD` is arguments only."""
    last: dict[str, Step] = {}
    for step in final.all_steps:
        if step.keyword in ("CMD", "ENTRYPOINT"):
            last[step.keyword] = step
    entrypoint = last.get("ENTRYPOINT")
    if entrypoint:
        yield entrypoint.instruction
    if "CMD" in last and (not entrypoint or not entrypoint.instruction.json):
        yield last["CMD"].instruction


def _shell_form(source: Source, instruction: Instruction) -> Iterator[Found]:
    if not instruction.args.text:
        return
    called = commands(instruction)
    if instruction.json:
        if _is_shell_call(instruction) and called and not _ends_in_exec(called):
            message = f"{instruction.words[0].text} stays process 1, and passes no signal on"
            yield SHELL_FORM.at(instruction.span, message, _exec_in_json(source, instruction, called))
    elif not _ends_in_exec(called):
        message = f"{instruction.keyword} in shell form: /bin/sh stays process 1, and passes no signal on"
        yield SHELL_FORM.at(instruction.span, message, _to_json(source, instruction, called))


def _is_shell_call(instruction: Instruction) -> bool:
    words = [word.text for word in instruction.words]
    return (
        len(words) == 3
        and words[0].rsplit("/", 1)[-1] in _SHELLS
        and re.fullmatch(r"-\w*c", words[1]) is not None
    )


def _ends_in_exec(called: tuple[Command, ...]) -> bool:
    """Tell whether the last command takes the shell's place."""
    return bool(called) and "exec" in called[-1].env and called[-1].before != "|"


def _exec_in_json(source: Source, instruction: Instruction, called: tuple[Command, ...]) -> tuple[Edit, ...]:
    """Put `exec` before the one command that `sh -c` runs."""
    span = instruction.words[2].span
    if len(called) != 1 or called[0].env or called[0].after or not source.slice(span).startswith('"'):
        return ()
    return (Edit(Span(span.start + 1, span.start + 1), "exec "),)


def _to_json(source: Source, instruction: Instruction, called: tuple[Command, ...]) -> tuple[Edit, ...]:
    """Write a JSON list where the text is words alone; with variables, put `exec` before the command."""
    text = source.slice(instruction.args.whole)
    simple = len(called) == 1 and not called[0].env and not called[0].after and not called[0].before
    if not simple or instruction.heredocs:
        return ()
    if _PLAIN.fullmatch(text):
        words = json.dumps([word.text for word in called[0].words], ensure_ascii=False)
        return (Edit(instruction.args.whole, words),) if "~" not in text else ()
    if text.startswith(("[", "{")):
        return ()
    start = instruction.args.offsets[0]
    return (Edit(Span(start, start), "exec "),)


def _bytecode(final: Stage) -> Iterator[Found]:
    place = _forbidding(final)
    if place is None or _compiles(final) or not _has_python(final):
        return
    yield NO_BYTECODE.at(place, "modules without bytecode are compiled at every start")


def _forbidding(final: Stage) -> Span | None:
    found = None
    for step in final.all_steps:
        if step.keyword == "ENV":
            for name, value, span in step.instruction.pairs():
                if name == "PYTHONDONTWRITEBYTECODE":
                    found = span if value else None
    return found


def _compiles(final: Stage) -> bool:
    """Tell whether the application's bytecode is compiled; what pip installs has its own."""
    for step in final.all_steps:
        text = step.instruction.args.text + "".join(
            heredoc.body.text for heredoc in step.instruction.heredocs
        )
        if step.keyword == "RUN" and re.search(r"\bcompileall\b|--compile-bytecode\b|py_compile", text):
            return True
        if step.variables.get("UV_COMPILE_BYTECODE", "0") not in ("", "0"):
            return True
    return False


def _has_python(final: Stage) -> bool:
    copies = any(step.keyword in ("COPY", "ADD") for step in final.all_steps)
    return copies or any(found.is_python for _, found in chain_installs(final))
