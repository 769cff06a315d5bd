"""Which commands of a `RUN` depend on a build argument: `if [ "$TORCH_VARIANT" = "cpu" ]; then … fi`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lightship.dockerfile.shell import Command
from lightship.dockerfile.stages import Step

_WORD = re.compile(r"(?<![\w-])(?:if|then|else|elif|fi|case|esac)(?![\w-])|;;")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)(?::?-[^}]*)?\}?")
FALSE = frozenset({"", "0", "false", "no", "off", "False", "FALSE"})


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of one variable: it holds for `values`, or with `inverted` for all others."""

    name: str
    values: frozenset[str]
    inverted: bool = False

    def holds(self, variables: Mapping[str, str]) -> bool:
        return (variables.get(self.name, "") in self.values) != self.inverted


@dataclass(frozen=True, slots=True)
class Guarded:
    """A command with the tests that must hold for it to run; None where one was not understood."""

    command: Command
    tests: tuple[Test, ...] | None = ()

    def runs(self, variables: Mapping[str, str]) -> bool:
        return self.tests is None or all(test.holds(variables) for test in self.tests)


@dataclass(frozen=True, slots=True)
class _Branch:
    """An `if` or `case` that is open: what was refused before, what is tested now.

    Of a `case`, `name` is the variable that it looks at, and `patterns` are those of the branch that is about
    to begin; None within a branch.
    """

    refused: tuple[Test, ...] | None = ()
    current: tuple[Test, ...] | None = None
    name: str = ""
    patterns: tuple[str, ...] | None = None


def guarded(step: Step, text: str) -> Iterator[Guarded]:
    """Yield the commands of a `RUN` that are no tests themselves; `text` is that of the whole file."""
    branches: list[_Branch] = []
    end = step.instruction.span.start
    for command in step.commands:
        start = command.words[0].span.start if command.words else command.span.end
        for word in _WORD.findall(text[end:start]):
            _enter(branches, word)
        end = command.span.end
        if branches and branches[-1].patterns is not None:
            branches[-1] = _pattern(branches[-1], command)
        elif branches and command.program in ("[", "[[", "test"):
            branches[-1] = replace(branches[-1], current=_test(command))
        else:
            yield Guarded(command, _tests(branches))


def _enter(branches: list[_Branch], word: str) -> None:
    """Follow one reserved word."""
    if word in ("if", "case"):
        branches.append(_Branch(patterns=() if word == "case" else None))
    elif word in ("fi", "esac"):
        branches[-1:] = []
    elif word in ("else", "elif", ";;") and branches:
        last = branches[-1]
        known = last.refused is not None and last.current is not None and len(last.current) == 1
        refused = (*(last.refused or ()), *(_inverse(one) for one in last.current or ())) if known else None
        patterns = () if word == ";;" else None
        branches[-1] = _Branch(refused, () if word == "else" else None, last.name, patterns)


def _pattern(branch: _Branch, command: Command) -> _Branch:
    """Read a pattern of `case $X in a|b) …;; *) …`; the one before `)` begins the branch."""
    words, name = [word.text for word in command.words], branch.name
    if "in" in words:
        variable = _VARIABLE.fullmatch(words[0])
        name, words = variable[1] if variable else "", words[words.index("in") + 1 :]
    patterns = (*(branch.patterns or ()), *words)
    if command.after == "|":
        return replace(branch, name=name, patterns=patterns)
    plain = name and not any(set("*?[$") & set(pattern) for pattern in patterns)
    current = (Test(name, frozenset(patterns)),) if plain else () if patterns == ("*",) else None
    return _Branch(branch.refused, current, name)


def _inverse(test: Test) -> Test:
    return replace(test, inverted=not test.inverted)


def _tests(branches: list[_Branch]) -> tuple[Test, ...] | None:
    found: list[Test] = []
    for branch in branches:
        if branch.refused is None or branch.current is None:
            return None
        found += (*branch.refused, *branch.current)
    return tuple(found)


def _test(command: Command) -> tuple[Test, ...] | None:
    """Read `[ "$X" = "cpu" ]`, `[ -n "$X" ]`, `[ -z "$X" ]`; None for any other test."""
    words = [word for word in command.arguments if word not in ("]", "]]")]
    inverted = words[:1] == ["!"]
    words = words[inverted:]
    match words:
        case [left, "=" | "==" | "-eq", value] if variable := _VARIABLE.fullmatch(left.removeprefix("x")):
            return (Test(variable[1], frozenset({value.removeprefix("x")}), inverted),)
        case [left, "!=" | "-ne", value] if variable := _VARIABLE.fullmatch(left.removeprefix("x")):
            return (Test(variable[1], frozenset({value.removeprefix("x")}), not inverted),)
        case ["-n" | "-z" as how, left] if variable := _VARIABLE.fullmatch(left):
            return (Test(variable[1], frozenset({""}), inverted != (how == "-n")),)
    return None
