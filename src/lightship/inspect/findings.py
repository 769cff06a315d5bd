"""What a check has to say about an image, and the report that gathers it."""

from __future__ import annotations

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


class Finding(msgspec.Struct, frozen=True, order=True):
    """One rule that an image breaks: `where` is a path, a distribution or a field of the configuration."""

    rule: str
    severity: Severity
    where: str
    message: str
    remedy: str


class Report(msgspec.Struct, frozen=True):
    """What `verify` found. Sizes in bytes; `seconds_to_healthy` where the image was started and answered."""

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

    @property
    def passed(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """Plain values for `--json`."""
        values: dict[str, object] = msgspec.to_builtins(self)
        return {**values, "passed": self.passed}
