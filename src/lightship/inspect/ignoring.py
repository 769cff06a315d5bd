"""Findings that are known and accepted, such as the shell of a base that is somebody else's."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from lightship.errors import UsageError
from lightship.inspect.findings import Finding, Report
from lightship.inspect.rules import RULES


def without_ignored(report: Report, ignores: Iterable[str]) -> Report:
    """Leave out the findings of `RULE`, or with `RULE:WHERE` those whose place matches a glob pattern.

    Raises:
        UsageError: for an unknown rule (the nearest one is suggested).

    """
    pairs = [_parse(text) for text in ignores]

    def is_ignored(finding: Finding) -> bool:
        return any(finding.rule == rule and fnmatchcase(finding.where, where) for rule, where in pairs)

    kept = tuple(finding for finding in report.findings if not is_ignored(finding))
    return msgspec.structs.replace(report, findings=kept)


def _parse(text: str) -> tuple[str, str]:
    rule, _, where = text.partition(":")
    known = [each.id for each in RULES]
    if rule not in known:
        near = difflib.get_close_matches(rule, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "a finding names its rule in brackets"
        raise UsageError(f"unknown rule {rule!r}", where="--ignore", hint=hint)
    return rule, where or "*"
