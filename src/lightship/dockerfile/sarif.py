"""Findings as SARIF 2.1.0 (OASIS), which code scanning services read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from lightship import __version__
from lightship.dockerfile.findings import Finding, Rule
from lightship.dockerfile.lint import RULES, SYNTAX

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """Make one run, with the rules that were broken."""
    ours = {rule.id: rule for rule in (SYNTAX, *RULES)}
    ids = sorted({finding.rule for finding in findings})
    rules = [_described(name, ours.get(name)) for name in ids]
    driver = {"name": "lightship", "semanticVersion": __version__, "rules": rules}
    results = [_result(finding, ids.index(finding.rule)) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _described(name: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.reason},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    location = {"artifactLocation": _artifact(finding), "region": region}
    made = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {"text": f"{finding.message}; {finding.remedy}"},
        "locations": [{"physicalLocation": location}],
    }
    return {**made, "fixes": [_fix(finding)]} if finding.edits else made


def _fix(finding: Finding) -> dict[str, Any]:
    replacements = [
        {
            "deletedRegion": {"charOffset": edit.span.start, "charLength": edit.span.end - edit.span.start},
            "insertedContent": {"text": edit.text},
        }
        for edit in finding.edits
    ]
    change = {"artifactLocation": _artifact(finding), "replacements": replacements}
    return {"description": {"text": finding.remedy}, "artifactChanges": [change]}


def _artifact(finding: Finding) -> dict[str, str]:
    path = PurePath(finding.path)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="replace")
    return {"uri": uri}
