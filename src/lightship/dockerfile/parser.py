"""Reads Dockerfiles as BuildKit's parser does, and keeps where everything stands.

The grammar is that of moby/buildkit, `frontend/dockerfile/parser`; tests hold this one against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from lightship.dockerfile.checks import KEYWORDS, instruction_problems, order_problems
from lightship.dockerfile.heredocs import Opening, openings
from lightship.dockerfile.model import Comment, Document, Heredoc, Instruction, Problem, Word
from lightship.dockerfile.source import SPACES, Logical, Source, Span
from lightship.dockerfile.words import json_words, quoted_words, spaced_words, split_keyword, take_flags

_DIRECTIVE = re.compile(r"#[^\S\n]*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES = ("syntax", "escape", "check")
_HEREDOC_KEYWORDS = ("RUN", "COPY", "ADD")
_MAYBE_JSON = ("CMD", "ENTRYPOINT", "RUN", "SHELL")
_LISTS = ("COPY", "ADD", "VOLUME")
_PAIRS = ("ENV", "LABEL")
_SPACED = ("FROM", "EXPOSE")


def parse(path: str, text: str) -> Document:
    """Parse any text whatever; what BuildKit would refuse is among the document's `problems`."""
    return _Parser(Source.of(path, text)).run()


@dataclass(slots=True)
class _Parser:
    """Where the parser stands: `at` is the offset of the line that is read next."""

    source: Source
    at: int = 0
    escape: str = "\\"
    directives: set[str] | None = field(default_factory=set)
    instructions: list[Instruction] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> Document:
        self.at = 1 if self.source.text.startswith("\ufeff") else 0
        while self.at < len(self.source.text):
            line = self._join()
            if line is not None:
                self._instruction(line)
        if not self.instructions and not self.problems:
            end = Span(len(self.source.text), len(self.source.text))
            self._problem("file with no instructions", "begin with FROM and the image to build on", end)
        self.problems += order_problems(self.instructions)
        found = tuple(sorted(self.problems, key=lambda problem: problem.span))
        return Document(self.source, tuple(self.instructions), tuple(self.comments), found, self.escape)

    def _problem(self, message: str, hint: str, span: Span) -> None:
        self.problems.append(Problem(message, hint, span))

    def _line(self) -> Logical:
        """Read one line, without its end."""
        span = self.source.line_span(self.at)
        start, self.at = self.at, span.end
        return Logical.piece(self.source.text[start : span.end].rstrip("\r\n"), start)

    def _join(self) -> Logical | None:
        """Read one logical line; comments between continued lines are not part of it."""
        first = self._line()
        left = len(first.text) - len(first.text.lstrip(SPACES))
        line = first.part(left, len(first.text))
        self._directive(line)
        if self._comment(line):
            return None
        joined, ends = self._continued(line)
        while not ends and self.at < len(self.source.text):
            following = self._line()
            if self._comment(following) or not following.text.strip(SPACES):
                continue
            more, ends = self._continued(following)
            joined = Logical(joined.text + more.text, joined.offsets[:-1] + more.offsets)
        return joined if joined.text.strip(SPACES) else None

    def _continued(self, line: Logical) -> tuple[Logical, bool]:
        """Take the continuation character off a line, and tell whether there was none."""
        token = re.escape(self.escape)
        match = re.search(rf"(?:(?<=[^{token}])|\A){token}[ \t]*\Z", line.text)
        return (line.part(0, match.start()), False) if match else (line, True)

    def _comment(self, line: Logical) -> bool:
        text = line.text.lstrip(SPACES)
        if not text.startswith("#"):
            return False
        self.comments.append(Comment(text[1:].strip(SPACES), line.strip().whole))
        return True

    def _directive(self, line: Logical) -> None:
        """Obey `# escape=`: directives come first, before any other comment."""
        if self.directives is None:
            return
        match = _DIRECTIVE.fullmatch(line.text)
        name = match[1].lower() if match else ""
        if match is None or name not in _DIRECTIVES:
            self.directives = None
        elif name in self.directives:
            self._problem(f"only one {name} parser directive can be used", "remove one", line.whole)
        else:
            self.directives.add(name)
            self._set_escape(name, match[2], line.whole)

    def _set_escape(self, name: str, value: str, span: Span) -> None:
        if name != "escape":
            return
        if value in ("\\", "`"):
            self.escape = value
        else:
            self._problem(f"invalid escape token {value!r}", "it may be \\ or `", span)

    def _instruction(self, line: Logical) -> None:
        made = self._read(line, nested=False)
        if (made.trigger or made).keyword in _HEREDOC_KEYWORDS:
            made = self._with_heredocs(made, openings(line.text))
        self.instructions.append(made)
        self.problems += instruction_problems(made)

    def _read(self, line: Logical, *, nested: bool) -> Instruction:
        keyword, rest = split_keyword(line)
        flags, args = take_flags(rest, self.escape)
        name = keyword.text.upper()
        trigger = None
        if name == "ONBUILD" and args.text and not nested:
            trigger = self._read(args, nested=True)
        words, is_json = self._words(name, args)
        return Instruction(
            name if name in KEYWORDS else keyword.text,
            keyword.whole,
            flags,
            args,
            words,
            is_json,
            line.strip().whole,
            trigger=trigger,
        )

    def _words(self, keyword: str, args: Logical) -> tuple[tuple[Word, ...], bool]:
        if keyword == "ARG" or keyword in _PAIRS:
            return self._pairs(keyword, args), False
        if keyword == "HEALTHCHECK":
            return self._health(args)
        found = self._json(args) if keyword in _MAYBE_JSON or keyword in _LISTS else None
        if found is not None:
            return found, True
        if keyword in _LISTS or keyword in _SPACED:
            return spaced_words(args), False
        return ((Word(args.text, args.whole),) if args.text else ()), False

    def _json(self, args: Logical) -> tuple[Word, ...] | None:
        try:
            return json_words(args)
        except ValueError as error:
            self._problem(str(error), "quote every element", args.whole)
            return None

    def _health(self, args: Logical) -> tuple[tuple[Word, ...], bool]:
        kind, rest = split_keyword(args)
        if not kind.text:
            return (), False
        first = Word(kind.text, kind.whole)
        found = self._json(rest)
        if found is not None:
            return (first, *found), True
        return ((first, Word(rest.text, rest.whole)) if rest.text else (first,)), False

    def _pairs(self, keyword: str, args: Logical) -> tuple[Word, ...]:
        words = quoted_words(args, self.escape)
        if keyword == "ARG":
            return words
        if not words or "=" in words[0].text:
            for word in words:
                if "=" not in word.text:
                    message = f"can't find = in {word.text!r}: it must be of the form name=value"
                    self._problem(message, "quote a value that has spaces", word.span)
            return words
        name, value = split_keyword(args)
        if not value.text:
            self._problem(f"{keyword} must have two arguments", "write name=value", args.whole)
        return (Word(f"{name.text}={value.text}", args.whole),)

    def _with_heredocs(self, made: Instruction, wanted: tuple[Opening, ...]) -> Instruction:
        found = []
        for opening in wanted:
            body = self._body(opening)
            if body is None:
                self._problem(
                    "unterminated heredoc",
                    f"end it with a line that holds {opening.name} alone",
                    made.span,
                )
                break
            found.append(Heredoc(opening.name, opening.descriptor, opening.expand, opening.chomp, body))
        if not wanted:
            return made
        end = len(self.source.text[: self.at].rstrip("\r\n"))
        return replace(made, heredocs=tuple(found), span=Span(made.span.start, max(end, made.span.end)))

    def _body(self, opening: Opening) -> Logical | None:
        """Read the lines of one heredoc; None if the file ends before it does."""
        start = self.at
        while self.at < len(self.source.text):
            line_start = self.at
            text = self._line().text
            if (text.lstrip("\t") if opening.chomp else text) == opening.name:
                return Logical.piece(self.source.text[start:line_start], start)
        return None
