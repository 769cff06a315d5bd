"""Checks one Dockerfile: parse, stages, rules, ignores, hadolint; in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightship.dockerfile.context import Context, NoContext
from lightship.dockerfile.findings import Finding, Found, Rule, Severity, locate
from lightship.dockerfile.hadolint import Hadolint
from lightship.dockerfile.ignores import RULES as IGNORE_RULES
from lightship.dockerfile.ignores import Ignore, matches, read_ignores, unused
from lightship.dockerfile.model import Document
from lightship.dockerfile.parser import parse
from lightship.dockerfile.rules import CHECKS
from lightship.dockerfile.rules import RULES as CHECK_RULES
from lightship.dockerfile.stages import read_build

RULES: tuple[Rule, ...] = (*IGNORE_RULES, *CHECK_RULES)
SYNTAX = Rule(
    "LD000-syntax",
    "the file cannot be built",
    Severity.ERROR,
    "BuildKit refuses it, so nothing else was checked.",
    "mend it, and run lint again",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to check: the stage that is the image, rules that are not reported, the tools around."""

    target: str = ""
    ignored: Mapping[str, str] = field(default_factory=dict)
    context: Context = field(default_factory=NoContext)
    hadolint: Hadolint | None = None
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one file; with `broken`, the findings are syntax errors and nothing else."""

    document: Document
    findings: tuple[Finding, ...]
    broken: bool

    @property
    def passed(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def lint_text(path: str, text: str, options: Options) -> Result:
    """Check a Dockerfile's text.

    Raises:
        UsageError: if there is no such target, or hadolint does not work.

    """
    document = parse(path, text)
    if document.problems:
        return Result(document, tuple(syntax_findings(document)), broken=True)
    findings = [locate(document.source, found) for found in find(document, options)]
    if options.hadolint:
        findings += options.hadolint.lint(document.source, options.folder)
    kept = (finding for finding in findings if not matches(finding.rule, options.ignored))
    return Result(document, tuple(sorted(set(kept))), broken=False)


def find(document: Document, options: Options) -> list[Found]:
    """Run every rule over a document that has no problems, and leave out what comments silence."""
    build = read_build(document, options.target)
    every = {
        (one.rule.id, one.span, one.message): one for check in CHECKS for one in check(build, options.context)
    }
    ignores, found = read_ignores(document)
    silenced: list[Ignore] = []
    kept = list(found)
    for one in every.values():
        by = [ignore for ignore in ignores if ignore.covers(one.rule.id, one.span)]
        silenced += by
        if not by:
            kept.append(one)
    return [*kept, *unused(ignores, silenced)]


def syntax_findings(document: Document) -> list[Finding]:
    """Give what BuildKit refuses as findings, each with its own remedy."""
    return [
        replace(locate(document.source, SYNTAX.at(problem.span, problem.message)), remedy=problem.hint)
        for problem in document.problems
    ]
