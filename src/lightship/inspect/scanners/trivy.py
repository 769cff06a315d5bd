"""Trivy (github.com/aquasecurity/trivy, 0.74): `pkg/types/report.go` has what it prints."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lightship.inspect.checks.vulnerabilities import Advisory, package_of, rating
from lightship.inspect.packages import Package
from lightship.inspect.scanners.model import Call, Question

_BOM = "bom.cdx.json"
_SCHEMA = 2
_SYSTEM_PACKAGES = "os-pkgs"
# By variables, as older versions refuse options that they do not know.
_QUIET = {"TRIVY_SKIP_VERSION_CHECK": "true", "TRIVY_DISABLE_TELEMETRY": "true"}


class _Vulnerability(msgspec.Struct, frozen=True, rename="pascal"):
    pkg_name: str
    vulnerability_id: str = msgspec.field(name="VulnerabilityID")
    vendor_ids: tuple[str, ...] | None = msgspec.field(name="VendorIDs", default=None)
    installed_version: str = ""
    fixed_version: str = ""
    title: str = ""
    severity: str = ""


class _Result(msgspec.Struct, frozen=True, rename="pascal"):
    class_: str = msgspec.field(name="Class", default="")
    packages: tuple[msgspec.Raw, ...] | None = None
    vulnerabilities: tuple[_Vulnerability, ...] | None = None


class _Report(msgspec.Struct, frozen=True, rename="pascal"):
    schema_version: int
    results: tuple[_Result, ...] | None = None


class Trivy:
    name = "trivy"
    title = "Trivy 0.74"
    refresh = "trivy image --download-db-only"

    def call(self, question: Question) -> Call:
        arguments = ["sbom", "--format", "json", "--list-all-pkgs", "--exit-code", "0", "--no-progress"]
        arguments += ["--timeout", "10m"]
        if question.offline:
            arguments += ["--skip-db-update", "--skip-java-db-update", "--offline-scan"]
        return Call((*arguments, _BOM), {_BOM: question.sbom()}, _QUIET)

    def read(self, output: bytes, packages: Sequence[Package]) -> list[Advisory]:
        report = msgspec.json.decode(output, type=_Report)
        if report.schema_version != _SCHEMA:
            raise ValueError(f"it is of schema {report.schema_version}, and {_SCHEMA} is read here")
        results = report.results or ()
        if not any(result.packages for result in results):
            raise ValueError("it saw none of the image's packages")
        return [
            _advisory(item, result, packages) for result in results for item in result.vulnerabilities or ()
        ]


def _advisory(item: _Vulnerability, result: _Result, packages: Sequence[Package]) -> Advisory:
    """Take GitHub's identifiers for the same thing; a DSA may be about several."""
    kind = "deb" if result.class_ == _SYSTEM_PACKAGES else "pypi"
    return Advisory(
        package_of(packages, kind, item.pkg_name, item.installed_version),
        item.vulnerability_id,
        item.title,
        item.fixed_version,
        tuple(name for name in item.vendor_ids or () if name.startswith("GHSA-")),
        rating(item.severity),
    )
