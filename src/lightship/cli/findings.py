"""Findings on a terminal: one block for each rule, with the places where it is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lightship.inspect.findings import Finding

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
_SHOWN = 5


def show_findings(findings: Iterable[Finding], *, every: bool) -> None:
    """Print them; of each rule the first places only, unless `every` one is wanted."""
    from lightship.inspect.findings import by_rule

    for group in by_rule(findings):
        for line in _block(group, len(group) if every else _SHOWN):
            click.echo(line)


def _block(group: Sequence[Finding], most: int) -> Iterator[str]:
    first = group[0]
    severity = click.style(f"{first.severity}:", fg=_COLOURS[first.severity], bold=True)
    if len(group) == 1:
        yield f"{severity} {first.where}: {first.message} [{first.rule}]"
    else:
        yield f"{severity} {_title(first)}: not so in {len(group):,} places [{first.rule}]"
        yield from (f"  {finding.where}: {finding.message}" for finding in group[:most])
        if len(group) > most:
            yield f"  … and {len(group) - most:,} more (-v shows all)"
    yield f"  try: {first.remedy}"


def _title(finding: Finding) -> str:
    """Say what should be."""
    from lightship.inspect.rules import RULES

    return next(rule.title for rule in RULES if rule.id == finding.rule)
