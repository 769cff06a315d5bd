"""Carries out the fixes of findings, until there is none left; everything else stays as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightship.dockerfile.findings import Edit, Finding
from lightship.dockerfile.lint import Options, lint_text

_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text before and after; the places of what was mended are those in the text of its round."""

    before: str
    text: str
    mended: tuple[Finding, ...]


def fix_text(path: str, text: str, options: Options) -> Fixed:
    """Mend what can be mended safely.

    Edits that touch the same words wait for the next round. A text that would not parse is never given back.

    Raises:
        UsageError: if there is no such target.

    """
    options, before = replace(options, hadolint=None), text
    mended: list[Finding] = []
    for _ in range(_ROUNDS):
        fixable = [finding for finding in lint_text(path, text, options).findings if finding.edits]
        chosen = _apart(fixable)
        changed = apply(text, [edit for finding in chosen for edit in finding.edits])
        if not chosen or changed == text or lint_text(path, changed, options).broken:
            break
        text = changed
        mended += chosen
    return Fixed(before, text, tuple(mended))


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Put edits that do not overlap into a text."""
    for edit in sorted(set(edits), key=lambda edit: edit.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def _apart(findings: Sequence[Finding]) -> list[Finding]:
    """Choose findings whose edits do not touch each other's."""
    chosen: list[Finding] = []
    taken: list[Edit] = []
    for finding in findings:
        if not any(_touch(mine, other) for mine in finding.edits for other in taken):
            chosen.append(finding)
            taken += finding.edits
    return chosen


def _touch(one: Edit, other: Edit) -> bool:
    return one.span.start <= other.span.end and other.span.start <= one.span.end
