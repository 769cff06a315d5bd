"""What a check has to say about an image, and the report that gathers it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from lightship.digest import Digest


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Rule(msgspec.Struct, frozen=True):
    """One thing that is checked: `id` is stable, `reason` says why it matters, `remedy` what to do."""

    id: str
    title: str
    severity: Severity
    reason: str
    remedy: str

    def finding(self, where: str, message: str) -> Finding:
        return Finding(self.id, self.severity, where, message, self.remedy)


class Finding(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """One rule that an image breaks: `where` is a path, a distribution or a field of the configuration.

    `names` are those of what was found, where it has any of its own: of a vulnerability, all its identifiers.
    """

    rule: str
    severity: Severity
    where: str
    message: str
    remedy: str
    names: tuple[str, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """A finding that was known, and the reason why it may stay."""

    finding: Finding
    reason: str


class Basis(StrEnum):
    """What was read of an image: its layers, a scan of them that is attached to it, or their own contents.

    The last are the tables of contents that eStargz layers have at their ends. A bill of materials may be
    attached, too.
    """

    LAYERS = "layers"
    SCAN = "scan"
    TABLES = "tables-of-contents"
    ATTACHED = "attached"


READ_INSTEAD = {
    Basis.SCAN: "its scan, attached by whoever pushed it",
    Basis.TABLES: "its layers' tables of contents, which do not say what libraries need",
    Basis.ATTACHED: "what is attached by whoever pushed it",
}
"""What a basis other than the layers is, and whose word."""


class Report(msgspec.Struct, frozen=True):
    """What `verify` found; sizes in bytes.

    `wasted` are bytes of files that later layers hide. `seconds_to_healthy` and `memory_at_rest` are there
    where the image was started and answered. `asked` are those who were asked about vulnerabilities.
    """

    image: Digest
    platform: str
    findings: tuple[Finding, ...]
    size: int
    budget: int | None
    layers: int
    files: int
    elf_files: int
    distributions: tuple[str, ...]
    modules_imported: int
    seconds_to_healthy: float | None = None
    memory_at_rest: int | None = None
    wasted: int = 0
    accepted: tuple[Accepted, ...] = ()
    basis: Basis = Basis.LAYERS
    asked: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.passes(strict=False)

    def passes(self, *, strict: bool) -> bool:
        """Tell whether there is no error, and where it is strict no warning."""
        failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return not any(finding.severity in failing for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """Plain values for `--json`."""
        values: dict[str, object] = msgspec.to_builtins(self)
        return {**values, "passed": self.passed}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings, the most severe first."""
    order = list(Severity)
    return tuple(sorted(findings, key=lambda item: (order.index(item.severity), item)))


def by_rule(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Put findings of one rule together, in the order in which the rules come."""
    groups: dict[tuple[Severity, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.severity, finding.rule].append(finding)
    return [tuple(group) for group in groups.values()]
