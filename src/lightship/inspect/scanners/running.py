"""Runs a scanner that is installed on this machine, and takes nothing for an answer but an answer."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.inspect.checks.vulnerabilities import Advisory
from lightship.inspect.packages import Package
from lightship.inspect.scanners.grype import Grype
from lightship.inspect.scanners.model import Call, Question, Scanner
from lightship.inspect.scanners.osvscanner import OsvScanner
from lightship.inspect.scanners.trivy import Trivy
from lightship.net.redact import redact_text

SCANNERS: Mapping[str, Scanner] = {each.name: each for each in (Grype(), Trivy(), OsvScanner())}
LONGEST = 600.0
"""Seconds that a scanner has; the first time it fetches its database."""
_LINES = 12


def find_scanner(name: str, path: str, *, where: str) -> tuple[Scanner, Path]:
    """Find a scanner by its name on `path`, which is as `PATH` has it; `where` is who asks for it.

    Raises:
        UsageError: there is no such scanner, or it is not installed.

    """
    if name not in SCANNERS:
        raise UsageError(
            f"unknown scanner {name!r}", where=where, hint=f"use one of these: {', '.join(SCANNERS)}"
        )
    scanner = SCANNERS[name]
    found = shutil.which(name, path=path)
    if found is None:
        raise UsageError(
            f"{name} is not installed",
            where=where,
            hint=f"install {scanner.title} or newer: `{name} --version` must work; or name another scanner",
        )
    return scanner, Path(found).absolute()


@dataclass(frozen=True, slots=True)
class InstalledScanner:
    """Advisories of a scanner's own database.

    `sbom` gives the image's bill of materials in CycloneDX; with `offline` the scanner is told to use the
    database that it has.
    """

    scanner: Scanner
    program: Path
    sbom: Callable[[], bytes]
    environ: Mapping[str, str]
    reporter: Reporter
    offline: bool = False
    seconds: float = LONGEST

    @property
    def name(self) -> str:
        return self.scanner.name

    def about(self, packages: Sequence[Package]) -> list[Advisory]:
        """Ask about packages.

        Raises:
            UsageError: it fails, takes too long, or prints what it should not.

        """
        name = self.scanner.name
        if not packages:
            self.reporter.warn(f"{name} is not asked: the image has no distribution and no Debian package")
            return []
        call = self.scanner.call(Question(packages, self.sbom, self.offline))
        if call.unknown:
            self.reporter.warn(f"{name} is not asked about {call.unknown} packages of a system unknown to it")
        with self.reporter.task(f"asking {name}", unit=""):
            output = self._run(call)
        try:
            return self.scanner.read(output, packages)
        except (msgspec.DecodeError, ValueError) as error:
            raise self._failed(
                f"{name} does not print what is read here: {error}",
                f"this was written for {self.scanner.title}: see `{name} --version`",
            ) from error

    def _run(self, call: Call) -> bytes:
        """Run it in a folder of its own, where no configuration of a project changes what it says."""
        with tempfile.TemporaryDirectory(prefix="lightship-scan-") as folder:
            for name, data in call.files.items():
                Path(folder, name).write_bytes(data)
            try:
                done = subprocess.run(
                    [str(self.program), *call.arguments],
                    cwd=folder,
                    env={**self.environ, **call.variables},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=self.seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise self._failed(
                    f"{self.scanner.name} did not end within {self.seconds:.0f} s",
                    f"fetch its database first: `{self.scanner.refresh}`",
                    error.stderr or b"",
                ) from error
            except OSError as error:
                raise self._failed(
                    f"{self.scanner.name} does not start: {error.strerror}", "install it again"
                ) from error
        if done.returncode not in call.answers:
            raise self._failed(
                f"{self.scanner.name} failed with exit code {done.returncode}",
                f"see what it says; its database is fetched by `{self.scanner.refresh}`",
                done.stderr,
            )
        return done.stdout

    def _failed(self, message: str, hint: str, said: bytes = b"") -> UsageError:
        lines = redact_text(said.decode("utf-8", "replace")).splitlines()
        return UsageError(message, where=str(self.program), hint=hint, detail="\n".join(lines[-_LINES:]))
