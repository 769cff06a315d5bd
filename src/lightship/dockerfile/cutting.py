"""Edits that take a command out of a `RUN`, and leave the rest of its text as it is."""

from __future__ import annotations

from lightship.dockerfile.findings import Edit
from lightship.dockerfile.model import Document
from lightship.dockerfile.shell import Command
from lightship.dockerfile.source import Source, Span
from lightship.dockerfile.stages import Step

_JOINS = ("&&", ";", "\n")


def cut_commands(source: Source, step: Step, drop: tuple[Command, ...]) -> tuple[Edit, ...]:
    """Take commands out of a chain of `&&`, `;` or lines; () where that cannot be done safely.

    Without any command left, the whole instruction goes.
    """
    every = step.commands
    if step.instruction.json or len(drop) == len(every):
        return () if step.instruction.json else (remove_instruction(source, step),)
    if not all(one.before in ("", *_JOINS) and one.after in ("", *_JOINS) for one in every):
        return ()
    edits = []
    for one in drop:
        index = every.index(one)
        later = next((other for other in every[index + 1 :] if other not in drop), None)
        edits.append(_cut(every, index, has_later=later is not None))
    return tuple(edits)


def append_command(document: Document, step: Step, text: str) -> tuple[Edit, ...]:
    """Add a command to the end of a `RUN` that is one chain of `&&`; on its own line in a long one."""
    every, instruction = step.commands, step.instruction
    plain = all(one.before in ("", "&&", ";") and one.after in ("", "&&", ";") for one in every)
    if not every or not plain or every[-1].after or instruction.json or instruction.heredocs:
        return ()
    written = document.source.slice(instruction.span)
    end = instruction.span.end
    if document.escape in written[-1:] or "\n" not in written:
        return (Edit(Span(end, end), f" && {text}"),)
    newline = "\r\n" if "\r\n" in written else "\n"
    last = document.source.slice(document.source.line_span(end - 1))
    indent = last[: len(last) - len(last.lstrip(" \t"))] or "    "
    return (Edit(Span(end, end), f" {document.escape}{newline}{indent}&& {text}"),)


def remove_instruction(source: Source, step: Step) -> Edit:
    """Take an instruction out, with its line end, and the line below where both around it are empty."""
    span = step.instruction.span
    start = source.line_span(span.start).start
    end = source.line_span(max(span.end - 1, span.start)).end
    below = source.line_span(end)
    if start and _is_empty(source, source.line_span(start - 1)) and _is_empty(source, below):
        end = below.end
    return Edit(Span(start, end), "")


def _is_empty(source: Source, line: Span) -> bool:
    return line.end > line.start and not source.slice(line).strip()


def _cut(every: tuple[Command, ...], index: int, *, has_later: bool) -> Edit:
    """Cut a command together with the operator on one of its sides."""
    one = every[index]
    if has_later:
        return Edit(Span(one.span.start, every[index + 1].span.start), "")
    return Edit(Span(every[index - 1].span.end, one.span.end), "")
