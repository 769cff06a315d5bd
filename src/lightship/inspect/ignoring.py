"""Findings that are known and accepted, such as the shell of a base that is somebody else's."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from msgspec.structs import replace

from lightship.errors import UsageError
from lightship.inspect.findings import Accepted, Finding, Report, Severity, in_order
from lightship.inspect.rules import RULES, UNUSED_IGNORE


@dataclass(frozen=True, slots=True)
class Ignore:
    """Accepts the findings of a rule whose place, or a name, matches a glob pattern; `origin` says so."""

    rule: str
    where: str
    reason: str
    origin: str

    def accepts(self, finding: Finding) -> bool:
        places = (finding.where, *finding.names)
        return finding.rule == self.rule and any(fnmatchcase(place, self.where) for place in places)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a project says about findings: those it accepts, and rules that weigh more or less for it."""

    ignores: tuple[Ignore, ...] = ()
    severities: Mapping[str, Severity] | None = None


def read_policy(ignores: Mapping[str, str], severities: Mapping[str, str], origin: str) -> Policy:
    """Read the tables of the configuration, `RULE[:WHERE] = reason` and `RULE = severity`.

    Raises:
        UsageError: an unknown rule (the nearest one is suggested) or severity, or no reason.

    """
    accepted = []
    for text, reason in ignores.items():
        if not reason.strip():
            raise UsageError(
                f"verify.ignore: {text} has no reason", where=origin, hint="write why it may stay"
            )
        accepted.append(_parse(text, reason, origin))
    for rule, severity in severities.items():
        check_rule(rule, origin)
        if severity not in list(Severity):
            raise UsageError(
                f"verify.severity: {severity!r} is none", where=origin, hint="use error, warning or note"
            )
    return Policy(tuple(accepted), {rule: Severity(severity) for rule, severity in severities.items()})


def given_ignores(texts: Iterable[str]) -> tuple[Ignore, ...]:
    """Read `RULE[:WHERE]` of the command line, with `=REASON` behind it where there is one.

    Raises:
        UsageError: for an unknown rule (the nearest one is suggested).

    """
    parts = (text.partition("=") for text in texts)
    return tuple(_parse(text, reason, "--ignore") for text, _, reason in parts)


def judge(report: Report, policy: Policy) -> Report:
    """Weigh the findings as a project does, and leave out those it accepts, with the reasons."""
    severities = policy.severities or {}
    findings = [replace(item, severity=severities.get(item.rule, item.severity)) for item in report.findings]
    accepted = {item: ignore for item in findings for ignore in policy.ignores if ignore.accepts(item)}
    kept = [item for item in findings if item not in accepted]
    kept += _unused(policy.ignores, findings)
    reasons = tuple(Accepted(item, ignore.reason) for item, ignore in accepted.items())
    return replace(report, findings=in_order(kept), accepted=reasons)


def _unused(ignores: Iterable[Ignore], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Name what the configuration accepts in vain; a command line may be for several images."""
    for ignore in ignores:
        if ignore.origin != "--ignore" and not any(ignore.accepts(finding) for finding in findings):
            text = ignore.rule if ignore.where == "*" else f"{ignore.rule}:{ignore.where}"
            yield UNUSED_IGNORE.finding(ignore.origin, f"{text} accepts nothing of this image")


def check_rule(rule: str, origin: str) -> None:
    """Refuse an unknown rule."""
    known = [each.id for each in RULES]
    if rule not in known:
        near = difflib.get_close_matches(rule, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "a finding names its rule in brackets"
        raise UsageError(f"unknown rule {rule!r}", where=origin, hint=hint)


def _parse(text: str, reason: str, origin: str) -> Ignore:
    rule, _, where = text.partition(":")
    check_rule(rule, origin)
    return Ignore(rule, where or "*", reason, origin)
