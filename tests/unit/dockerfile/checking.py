"""Short ways to lint a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lightship.dockerfile.findings import Finding
from lightship.dockerfile.fix import fix_text
from lightship.dockerfile.lint import Options, lint_text
from lightship.wheels.model import LockedLibrary


@dataclass(frozen=True)
class Files:
    """A build context in memory."""

    files: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[LockedLibrary, ...] | None = None

    def read(self, path: str) -> str | None:
        return self.files.get(path)


def findings(text: str, *, target: str = "", **files: str) -> tuple[Finding, ...]:
    context = Files({name.replace("_", ".", 1): content for name, content in files.items()})
    result = lint_text("Dockerfile", text, Options(target, context=context))
    assert not result.broken, result.findings
    return result.findings


def codes(text: str, *, target: str = "", **files: str) -> list[str]:
    return [finding.rule.partition("-")[0] for finding in findings(text, target=target, **files)]


def mended(text: str) -> str:
    return fix_text("Dockerfile", text, Options()).text
