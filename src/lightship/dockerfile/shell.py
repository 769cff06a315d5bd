"""A tolerant reader of shell text: which programs a `RUN` calls, with what words, and where they stand.

It never fails: what it does not understand becomes a word. It does not expand anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightship.dockerfile.model import Instruction, Word
from lightship.dockerfile.source import Logical, Span

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_RESERVED = {
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "do",
    "done",
    "while",
    "until",
    "case",
    "esac",
    "!",
    "{",
    "}",
}
_WRAPPERS = {"sudo", "exec", "time", "nice", "command", "env", "eatmydata", "nohup"}
_CLOSING = {"(": ")", "{": "}", "`": "`"}
_SHEBANG = re.compile(r"#!.*\b(?:ba|da|a|z|k)?sh\b")


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. `before` and `after` are the operators around it, "" at the ends of the script."""

    words: tuple[Word, ...]
    env: tuple[str, ...]
    span: Span
    before: str
    after: str

    @property
    def program(self) -> str:
        """Name of what is called, without its folder."""
        return self.words[0].text.rsplit("/", 1)[-1] if self.words else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words[1:])


def commands(instruction: Instruction) -> tuple[Command, ...]:
    """Every simple command of a `RUN`, `CMD`, `ENTRYPOINT` or `HEALTHCHECK`, in any of its forms."""
    words = instruction.words[1:] if instruction.keyword == "HEALTHCHECK" else instruction.words
    if instruction.json:
        return _exec_form(words, instruction.span)
    if instruction.keyword == "RUN" and instruction.heredocs:
        return _heredoc_form(instruction)
    if instruction.keyword == "HEALTHCHECK":
        text = instruction.args
        return split(text.part(3, len(text.text))) if words else ()
    return split(instruction.args)


def split(text: Logical) -> tuple[Command, ...]:
    """Split shell text into simple commands."""
    return _Splitter(text).run()


def _exec_form(words: tuple[Word, ...], span: Span) -> tuple[Command, ...]:
    """Take the words as they are; what `sh -c` is given is shell text, all at the place of that word."""
    if (
        len(words) == 3
        and _is_shell(words[0].text)
        and words[1].text.startswith("-")
        and "c" in words[1].text
    ):
        place = words[2].span
        text = words[2].text
        offsets = (*[place.start] * len(text), place.end)
        return tuple(
            Command(
                tuple(Word(word.text, place) for word in one.words), one.env, place, one.before, one.after
            )
            for one in split(Logical(text, offsets))
        )
    return (Command(words, (), span, "", ""),) if words else ()


def _heredoc_form(instruction: Instruction) -> tuple[Command, ...]:
    """Read `RUN <<EOF`: the document is the script, unless it says that another program runs it."""
    line = split(instruction.args)
    first = instruction.heredocs[0]
    called = [one for one in line if one.words and not one.words[0].text.startswith("<<")]
    if called and not _is_shell(called[0].program):
        return line
    body = first.body.text
    if body.startswith("#!") and not _SHEBANG.match(body):
        return ()
    return split(first.body)


def _is_shell(program: str) -> bool:
    return program.rsplit("/", 1)[-1] in ("sh", "bash", "dash", "ash", "zsh")


class _Splitter:
    """Walks over the text once."""

    def __init__(self, text: Logical) -> None:
        self._logical, self._text = text, text.text
        self._at = 0
        self._made: list[Command] = []
        self._words: list[Word] = []
        self._start = self._end = 0
        self._before = ""
        self._redirect = False

    def run(self) -> tuple[Command, ...]:
        while self._at < len(self._text):
            character = self._text[self._at]
            operator = self._operator()
            if operator:
                self._finish(operator)
                self._at += len(operator)
            elif character in " \t\r\v\f":
                self._at += 1
            elif character == "#":
                self._comment()
            elif character in "<>&":
                self._redirection()
            else:
                self._word()
        self._finish("")
        return tuple(self._made)

    def _operator(self) -> str:
        for operator in ("&&", "||", ";;", "|&", ";", "|", "\n", "(", ")"):
            if self._text.startswith(operator, self._at):
                return operator
        alone = self._text[self._at] == "&" and self._text[self._at + 1 : self._at + 2] != ">"
        return "&" if alone else ""

    def _comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _redirection(self) -> None:
        """Skip `>`, `2>&1`, `<<EOF`; what stands after is a file's name and no argument."""
        if self._words and self._words[-1].text.isdecimal() and self._end == self._at:
            self._words.pop()
        match = re.compile(r"&?[<>]+[&|-]?").match(self._text, self._at)
        self._at = match.end() if match else self._at + 1
        self._redirect = True
        self._end = self._at

    def _word(self) -> None:
        start, out = self._at, []
        while self._at < len(self._text) and self._text[self._at] not in " \t\r\v\f\n;|&()<>":
            out.append(self._piece())
        if not self._words and not self._redirect:
            self._start = start
        if not self._redirect:
            self._words.append(Word("".join(out), self._logical.span(start, self._at)))
        self._redirect = False
        self._end = self._at

    def _piece(self) -> str:
        """Read one character of a word, or what stands between quotes or in a substitution."""
        character = self._text[self._at]
        following = self._text[self._at + 1 : self._at + 2]
        if character == "\\":
            self._at += 2
            return "" if following == "\n" else following
        if character == "'":
            return self._until("'")
        if character == '"':
            return self._double()
        if character == "`" or (character == "$" and following in ("(", "{")):
            return self._substitution()
        self._at += 1
        return character

    def _until(self, quote: str) -> str:
        end = self._text.find(quote, self._at + 1)
        end = len(self._text) if end < 0 else end
        found = self._text[self._at + 1 : end]
        self._at = end + 1
        return found

    def _double(self) -> str:
        self._at += 1
        out = []
        while self._at < len(self._text) and self._text[self._at] != '"':
            if self._text[self._at] == "\\" and self._text[self._at + 1 : self._at + 2] in (
                '"',
                "\\",
                "$",
                "`",
                "\n",
            ):
                out.append(self._text[self._at + 1].replace("\n", ""))
                self._at += 2
            elif self._text[self._at] == "`" or self._text.startswith("$(", self._at):
                out.append(self._substitution())
            else:
                out.append(self._text[self._at])
                self._at += 1
        self._at += 1
        return "".join(out)

    def _substitution(self) -> str:
        """Keep `$(…)`, `${…}` and backquotes whole; brackets within are counted, quotes are not looked at."""
        start = self._at
        opening = self._text[self._at + (self._text[self._at] == "$")]
        closing, depth = _CLOSING[opening], 1
        self._at += 1 + (opening != "`")
        while self._at < len(self._text) and depth:
            character = self._text[self._at]
            depth += (character == opening != "`") - (character == closing)
            self._at += 1
        return self._text[start : self._at]

    def _finish(self, operator: str) -> None:
        """End a command; reserved words and variables before it are not part of it."""
        words = list(self._words)
        while words and words[0].text in _RESERVED:
            words.pop(0)
        env = []
        while words and (_ASSIGNMENT.fullmatch(words[0].text) or words[0].text in _WRAPPERS):
            env.append(words.pop(0).text)
        if words or env:
            start = self._words[0].span.start
            end = self._logical.span(max(self._end - 1, 0), self._end).end
            span = Span(start, max(start, end))
            self._made.append(Command(tuple(words), tuple(env), span, self._before, operator))
            self._before = ""
        self._before = operator
        self._words = []
        self._redirect = False
