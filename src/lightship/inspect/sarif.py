"""Findings as SARIF 2.1.0 (OASIS), which code scanning services read."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from lightship import __version__
from lightship.inspect.findings import Finding, Report
from lightship.inspect.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(name: str, report: Report) -> dict[str, Any]:
    """Make one run, with the rules that were broken; what was accepted is there, and suppressed."""
    accepted = [item.finding for item in report.accepted]
    ids = sorted({finding.rule for finding in (*report.findings, *accepted)})
    results = [_result(name, finding, ids) for finding in report.findings]
    for item in report.accepted:
        suppression = {"kind": "external", "justification": item.reason}
        results.append({**_result(name, item.finding, ids), "suppressions": [suppression]})
    rules = [_described(rule_id) for rule_id in ids]
    driver = {"name": "lightship", "semanticVersion": __version__, "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _described(rule_id: str) -> dict[str, Any]:
    rule = next(rule for rule in RULES if rule.id == rule_id)
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.reason},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(name: str, finding: Finding, ids: list[str]) -> dict[str, Any]:
    """Give the place as a file of the image, and in words as well: not every place is a path."""
    location = {
        "physicalLocation": {"artifactLocation": {"uri": quote(finding.where, errors="replace")}},
        "logicalLocations": [{"fullyQualifiedName": f"{name}:{finding.where}"}],
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": ids.index(finding.rule),
        "level": str(finding.severity),
        "message": {"text": f"{finding.where}: {finding.message}; {finding.remedy}"},
        "locations": [location],
    }
