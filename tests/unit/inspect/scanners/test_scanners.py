"""What scanners are given, and what becomes of what they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from lightship.errors import UsageError
from lightship.events import SilentReporter
from lightship.inspect.checks.vulnerabilities import Advisory
from lightship.inspect.findings import Severity
from lightship.inspect.packages import Package
from lightship.inspect.scanners.running import SCANNERS, InstalledScanner, find_scanner
from tests.support.scanners import fake_scanner

OPENSSL = Package("Debian:12", "openssl", "3.0.11-1~deb12u2", ("libssl3", "openssl"))
REQUESTS = Package("PyPI", "requests", "2.30.0")
SMALL = Package("PyPI", "small", "1.5")
PACKAGES = [OPENSSL, REQUESTS, SMALL]
BOM = b'{"bomFormat": "CycloneDX"}'


class Heard(SilentReporter):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def installed(
    name: str,
    folder: Path,
    *,
    offline: bool = False,
    seconds: float = 60,
    environ: Mapping[str, str] | None = None,
    reporter: SilentReporter | None = None,
) -> InstalledScanner:
    scanner, program = find_scanner(name, str(folder), where="--scanner")
    return InstalledScanner(
        scanner, program, lambda: BOM, environ or {}, reporter or SilentReporter(), offline, seconds
    )


def asked(name: str, folder: Path) -> list[Advisory]:
    fake_scanner(name, folder, code=1 if name == "osv-scanner" else 0)
    return installed(name, folder).about(PACKAGES)


def test_grype_tells_of_source_packages_by_what_is_made_of_them(tmp_path: Path) -> None:
    assert asked("grype", tmp_path) == [
        Advisory(
            REQUESTS,
            "GHSA-j8r2-6x86-q33q",
            "Unintended leak of Proxy-Authorization header in requests",
            "2.31.0",
            ("CVE-2023-32681",),
            Severity.WARNING,
        ),
        Advisory(OPENSSL, "CVE-2023-5678", "", "3.0.13-1~deb12u1", (), Severity.WARNING),
        Advisory(Package("", "strange", "1-1"), "CVE-2010-4756", "", "", (), Severity.NOTE),
    ]


def test_trivy_tells_of_both_kinds_of_packages(tmp_path: Path) -> None:
    assert asked("trivy", tmp_path) == [
        Advisory(
            OPENSSL,
            "CVE-2023-5678",
            "openssl: Generating excessively long X9.42 DH keys",
            "3.0.13-1~deb12u1",
            (),
            Severity.WARNING,
        ),
        Advisory(
            REQUESTS,
            "CVE-2023-32681",
            "python-requests: Unintended leak of Proxy-Authorization header",
            "2.31.0",
            ("GHSA-j8r2-6x86-q33q",),
            Severity.WARNING,
        ),
        Advisory(REQUESTS, "CVE-2024-35195", "", "", (), None),
    ]


def test_osv_scanner_tells_what_its_documents_and_its_analysis_say(tmp_path: Path) -> None:
    found = asked("osv-scanner", tmp_path)
    assert [(item.package, item.id, item.fixed, item.severity) for item in found] == [
        (OPENSSL, "DEBIAN-CVE-2023-5678", "3.0.13-1~deb12u1", Severity.WARNING),
        (OPENSSL, "DEBIAN-CVE-2007-6755", "", Severity.NOTE),
        (REQUESTS, "GHSA-j8r2-6x86-q33q", "2.31.0", Severity.WARNING),
        (REQUESTS, "PYSEC-2023-74", "", Severity.WARNING),
        (REQUESTS, "PYSEC-2026-1", "", Severity.ERROR),
    ]
    assert found[0].aliases == ("CVE-2023-5678",)
    assert found[3].aliases == ("CVE-2023-32681", "GHSA-j8r2-6x86-q33q")


def test_scanners_are_given_what_they_understand(tmp_path: Path) -> None:
    given = {}
    for name in SCANNERS:
        fake = fake_scanner(name, tmp_path / name)
        installed(name, fake.folder, environ={"HOME": "/home/x"}).about(PACKAGES)
        given[name] = fake.given()
        assert given[name]["environ"]["HOME"] == "/home/x"
    assert given["grype"]["arguments"] == ["sbom:bom.cdx.json", "--output", "json"]
    assert given["grype"]["files"] == {"bom.cdx.json": BOM.decode()}
    assert given["grype"]["environ"]["GRYPE_CHECK_FOR_APP_UPDATE"] == "false"
    assert "GRYPE_DB_AUTO_UPDATE" not in given["grype"]["environ"]
    assert given["trivy"]["arguments"] == [
        *("sbom", "--format", "json", "--list-all-pkgs", "--exit-code", "0", "--no-progress"),
        *("--timeout", "10m", "bom.cdx.json"),
    ]
    assert given["trivy"]["environ"]["TRIVY_DISABLE_TELEMETRY"] == "true"
    assert given["osv-scanner"]["arguments"] == [
        *("scan", "source", "--lockfile", "osv-scanner:packages.json", "--format", "json", "--all-packages")
    ]
    assert json.loads(given["osv-scanner"]["files"]["packages.json"]) == {
        "results": [
            {
                "packages": [
                    {"package": {"name": item.name, "version": item.version, "ecosystem": item.ecosystem}}
                    for item in PACKAGES
                ]
            }
        ]
    }


def test_offline_is_passed_on(tmp_path: Path) -> None:
    given = {}
    for name in SCANNERS:
        fake = fake_scanner(name, tmp_path / name)
        installed(name, fake.folder, offline=True).about(PACKAGES)
        given[name] = fake.given()
    assert given["grype"]["environ"]["GRYPE_DB_AUTO_UPDATE"] == "false"
    assert {"--skip-db-update", "--skip-java-db-update", "--offline-scan"} < set(given["trivy"]["arguments"])
    assert given["osv-scanner"]["arguments"][-1] == "--offline"


def test_what_is_not_installed_is_refused_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="grype is not installed") as refused:
        find_scanner("grype", str(tmp_path), where="--scanner")
    assert refused.value.where == "--scanner"
    assert "install Grype 0.116 or newer" in refused.value.hint
    with pytest.raises(UsageError, match="unknown scanner 'clair'") as refused:
        find_scanner("clair", str(tmp_path), where="verify.scanner of x.toml")
    assert refused.value.hint == "use one of these: grype, trivy, osv-scanner"


@pytest.mark.parametrize(("name", "code"), [("grype", 1), ("trivy", 2), ("osv-scanner", 127)])
def test_a_scanner_that_fails_is_no_scanner_that_finds_nothing(tmp_path: Path, name: str, code: int) -> None:
    said = "one\nfailed to load vulnerability db: https://me:secret@db.example.com/v6\n"
    fake_scanner(name, tmp_path, code=code, said=said)
    with pytest.raises(UsageError, match=f"{name} failed with exit code {code}") as refused:
        installed(name, tmp_path).about(PACKAGES)
    assert (
        refused.value.detail.splitlines()[-1] == "failed to load vulnerability db: https://db.example.com/v6"
    )
    assert SCANNERS[name].refresh in refused.value.hint


def test_grypes_own_threshold_is_no_failure(tmp_path: Path) -> None:
    fake_scanner("grype", tmp_path, code=2)
    assert len(installed("grype", tmp_path).about(PACKAGES)) == 3


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *((name, text) for name in SCANNERS for text in ("", "{}", "[]", "<html>", '{"results": 1}')),
        ("grype", '{"matches": []}'),
        ("grype", '{"matches": [], "descriptor": {"name": "syft", "version": "1"}}'),
        ("grype", '{"matches": [{"vulnerability": {}}], "descriptor": {"name": "grype"}}'),
        ("trivy", '{"SchemaVersion": 2}'),
        ("trivy", '{"SchemaVersion": 2, "Results": [{"Target": "x", "Class": "os-pkgs"}]}'),
        ("trivy", '{"SchemaVersion": 3, "Results": []}'),
        (
            "trivy",
            '{"SchemaVersion": 2, "Results": [{"Packages": [{}], "Vulnerabilities": [{"PkgName": "a"}]}]}',
        ),
        ("osv-scanner", '{"results": []}'),
        ("osv-scanner", '{"results": null}'),
        ("osv-scanner", '{"results": [{"packages": [{"package": {"name": "a"}}]}]}'),
    ],
)
def test_an_answer_that_is_none_is_an_error(name: str, answer: str) -> None:
    with pytest.raises((msgspec.DecodeError, ValueError)):
        SCANNERS[name].read(answer.encode(), PACKAGES)


def test_who_answers_otherwise_is_told_which_version_was_meant(tmp_path: Path) -> None:
    fake_scanner("trivy", tmp_path, "<html>")
    with pytest.raises(UsageError, match="trivy does not print what is read here: ") as refused:
        installed("trivy", tmp_path).about(PACKAGES)
    assert refused.value.hint == "this was written for Trivy 0.74: see `trivy --version`"


def test_an_image_without_vulnerabilities_passes() -> None:
    clean = {
        "grype": '{"matches": [], "descriptor": {"name": "grype", "version": "0.116.0"}}',
        "trivy": '{"SchemaVersion": 2, "Results": [{"Class": "lang-pkgs", "Packages": [{"Name": "small"}]}]}',
        "osv-scanner": json.dumps(
            {"results": [{"packages": [{"package": {"name": "a", "version": "1", "ecosystem": "PyPI"}}]}]}
        ),
    }
    for name, answer in clean.items():
        assert SCANNERS[name].read(answer.encode(), PACKAGES) == []


def test_a_scanner_has_its_time(tmp_path: Path) -> None:
    fake_scanner("trivy", tmp_path, seconds=5)
    with pytest.raises(UsageError, match=r"trivy did not end within 0 s") as refused:
        installed("trivy", tmp_path, seconds=0.2).about(PACKAGES)
    assert "trivy image --download-db-only" in refused.value.hint


def test_a_program_that_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "grype").write_bytes(b"\x7fELF")
    (tmp_path / "grype").chmod(0o755)
    with pytest.raises(UsageError, match="grype does not start: Exec format error"):
        installed("grype", tmp_path).about(PACKAGES)


def test_who_is_not_asked_about_what_is_told(tmp_path: Path) -> None:
    fake, heard = fake_scanner("osv-scanner", tmp_path), Heard()
    scanner = installed("osv-scanner", tmp_path, reporter=heard)
    assert scanner.about([]) == []
    assert not fake.was_called
    scanner.about([Package("", "kali-thing", "1"), REQUESTS])
    assert json.loads(fake.given()["files"]["packages.json"])["results"][0]["packages"] == [
        {"package": {"name": "requests", "version": "2.30.0", "ecosystem": "PyPI"}}
    ]
    assert heard.warnings == [
        "osv-scanner is not asked: the image has no distribution and no Debian package",
        "osv-scanner is not asked about 1 packages of a system unknown to it",
    ]
