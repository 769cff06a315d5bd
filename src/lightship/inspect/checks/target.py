"""What is asked of production alone: images of other targets have tools on purpose."""

from __future__ import annotations

from collections.abc import Sequence

from lightship.inspect.checks import development, tools
from lightship.inspect.contents import Contents
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.plan.targets import TARGET_LABEL
from lightship.project.config import PRODUCTION

NOT_PRODUCTION = Rule(
    "LV701-not-production",
    "the image is one for production",
    Severity.NOTE,
    "Tools help an intruder as they help a developer, so they are looked for in images for production only.",
    "deploy the target production (`lightship build`), and verify that",
)
RULES = (NOT_PRODUCTION,)
_OF_PRODUCTION = frozenset(rule.id for rule in (*tools.RULES, *development.RULES))


def for_target(findings: Sequence[Finding], contents: Contents) -> list[Finding]:
    """Leave out what only production must pass, and say so once, where the image's label names a target."""
    target = contents.config.config.labels.get(TARGET_LABEL, PRODUCTION)
    if target == PRODUCTION:
        return list(findings)
    asked = [finding for finding in findings if finding.rule not in _OF_PRODUCTION]
    left = len(findings) - len(asked)
    words = f"it is for {target}: {left} finding{'s'[: left != 1]} about tools and headers left out"
    return [*asked, NOT_PRODUCTION.finding(TARGET_LABEL, words)]
