"""What a person has said not to report: in comments, each with its reason, or in the configuration."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.hadolint import COVERED
from lightship.dockerfile.model import Comment, Document
from lightship.dockerfile.source import Span
from lightship.errors import UsageError

NO_REASON = Rule(
    "LD001-ignore-without-reason",
    "an ignore gives no reason",
    Severity.ERROR,
    "Whoever reads it next cannot tell a decision from a shortcut.",
    "write # lightship: ignore=LD501 and why",
)
UNUSED = Rule(
    "LD002-unused-ignore",
    "an ignore silences nothing",
    Severity.NOTE,
    "What it was for is mended, or never was: left there, it hides what comes later.",
    "remove it",
)
RULES = (NO_REASON, UNUSED)

_OURS = re.compile(
    r"lightship:\s*ignore\s*=\s*(?P<codes>[\w-]+(?:\s*,\s*[\w-]+)*)[\s:-]*(?P<reason>.*)", re.DOTALL
)
_HADOLINT = re.compile(r"hadolint\s+(?P<all>global\s+)?ignore\s*=\s*(?P<codes>[\w-]+(?:\s*,\s*[\w-]+)*)")


@dataclass(frozen=True, slots=True)
class Ignore:
    """Rules that are not reported within `scope`; `own` tells Lightship's comments from hadolint's."""

    codes: tuple[str, ...]
    scope: Span
    span: Span
    own: bool

    def covers(self, rule: str, span: Span) -> bool:
        return self.scope.start <= span.start <= self.scope.end and matches(rule, self.codes)


def matches(rule: str, codes: Collection[str]) -> bool:
    """Tell whether a rule is named: by its whole id, or by its number alone."""
    return rule in codes or rule.partition("-")[0] in codes


def read_ignores(document: Document) -> tuple[tuple[Ignore, ...], tuple[Found, ...]]:
    """Read the comments; one without a reason silences nothing, and is itself found."""
    ignores: list[Ignore] = []
    found: list[Found] = []
    for comment in document.comments:
        ours, theirs = _OURS.fullmatch(comment.text), _HADOLINT.match(comment.text)
        if ours and not ours["reason"].strip():
            found.append(NO_REASON.at(comment.span, f"no reason for ignoring {ours['codes']}"))
        elif ours:
            ignores.append(Ignore(_codes(ours), _scope(document, comment), comment.span, own=True))
        elif theirs:
            codes = tuple(rule for code in _codes(theirs) if (rule := COVERED.get(code)))
            scope = Span(0, len(document.source.text)) if theirs["all"] else _scope(document, comment)
            ignores.append(Ignore(codes, scope, comment.span, own=False))
    return tuple(ignores), tuple(found)


def unused(ignores: Collection[Ignore], silenced: Collection[Ignore]) -> Iterator[Found]:
    for ignore in ignores:
        if ignore.own and ignore not in silenced:
            yield UNUSED.at(ignore.span, f"nothing to ignore: {', '.join(ignore.codes)}")


def check_configured(ignored: Mapping[str, str], rules: Collection[str], where: str) -> None:
    """Check `[tool.lightship.lint] ignore`: known rules (or hadolint's), each with a reason.

    Raises:
        UsageError: otherwise.

    """
    for code, reason in ignored.items():
        if not re.fullmatch(r"(?:DL|SC)\d{4}", code) and not any(matches(rule, (code,)) for rule in rules):
            near = difflib.get_close_matches(code, [*rules, *(rule.partition("-")[0] for rule in rules)], n=1)
            hint = f"did you mean {near[0]}?" if near else "see docs/lint.md for every rule"
            raise UsageError(f"lint.ignore: there is no rule {code}", where=where, hint=hint)
        if not reason.strip():
            hint = f'write {code} = "why it is ignored"'
            raise UsageError(f"lint.ignore: {code} has no reason", where=where, hint=hint)


def _codes(match: re.Match[str]) -> tuple[str, ...]:
    return tuple(code.strip() for code in match["codes"].split(","))


def _scope(document: Document, comment: Comment) -> Span:
    """A comment speaks of the instruction it stands in, or of the next one."""
    ends = [instruction.span.end for instruction in document.instructions]
    index = bisect_left(ends, comment.span.start)
    return document.instructions[index].span if index < len(ends) else comment.span
