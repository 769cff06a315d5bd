"""`verify --scanner`: an installed scanner is asked about the image, or the command does not pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import UsageError
from lightship.fs.entries import regular
from lightship.oci.layout import Layout
from tests.support.images import add_image, add_layer
from tests.support.installed import dist
from tests.support.scanners import FakeScanner, fake_scanner
from tests.unit.cli.conftest import Lightship
from tests.unit.inspect.gallery.making import GOOD

LIBSSL = b"Package: libssl3\nSource: openssl\nVersion: 3.0.11-1~deb12u2\nArchitecture: amd64\n"
ADVISORY = {
    "id": "PYSEC-2023-74",
    "aliases": ["CVE-2023-32681"],
    "summary": "leaks a header",
    "affected": [{"package": {"name": "requests", "ecosystem": "PyPI"}, "versions": ["2.30.0"]}],
}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a folder that is nobody's project; nothing of the image runs."""

    def find(_: str) -> None:
        raise UsageError("bwrap is not installed")

    monkeypatch.setattr("lightship.build.sandbox.Sandbox.find", find)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def image(tmp_path: Path) -> str:
    layout = Layout(tmp_path / "layout")
    layout.create()
    entries = [
        regular("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        regular("var/lib/dpkg/status.d/libssl3", LIBSSL),
        *dist("requests", {}, version="2.30.0"),
        *dist("small", {}, version="1.5"),
    ]
    add_image(layout, [add_layer(layout, entries)], GOOD, "app:1")
    return f"oci:{layout.path}"


@pytest.fixture
def grype(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeScanner:
    return installed("grype", tmp_path, monkeypatch)


def installed(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> FakeScanner:
    """Put a fake in front of `PATH`."""
    fake = fake_scanner(name, folder / f"bin-{name}", **more)
    monkeypatch.setenv("PATH", f"{fake.folder}:/usr/bin:/bin")
    return fake


def known(text: str) -> list[tuple[str, str, list[str]]]:
    findings = json.loads(text)["findings"]
    return [
        (item["where"], item["severity"], item["names"])
        for item in findings
        if item["rule"] == "LV801-known-vulnerability"
    ]


def test_findings_of_scanner_and_advisories_are_merged(
    lightship: Lightship, image: str, grype: FakeScanner, here: Path
) -> None:
    (here / "osv.json").write_text(json.dumps(ADVISORY))
    shown = lightship("verify", image, "--scanner", "grype", "--advisories", "osv.json", "--json", "-q")
    assert shown.code == 0
    assert known(shown.out) == [
        ("openssl", "warning", ["CVE-2023-5678"]),
        ("requests", "warning", ["CVE-2023-32681", "GHSA-j8r2-6x86-q33q", "PYSEC-2023-74"]),
        ("strange", "note", ["CVE-2010-4756"]),
    ]
    assert json.loads(shown.out)["asked"] == ["osv.json", "grype"]
    bom = json.loads(grype.given()["files"]["bom.cdx.json"])
    assert bom["specVersion"] == "1.6"
    packages = {item["name"]: item for item in bom["components"]}
    assert packages["libssl3"]["purl"].endswith("distro=debian-12&upstream=openssl")
    properties = {item["name"]: item["value"] for item in packages["libssl3"]["properties"]}
    assert properties["aquasecurity:trivy:SrcName"] == "openssl"
    assert properties["aquasecurity:trivy:SrcVersion"] == "3.0.11-1~deb12u2"
    assert "aquasecurity:trivy:SrcName" not in str(packages["requests"]["properties"])


def test_on_a_terminal_they_are_one_block(lightship: Lightship, image: str, grype: FakeScanner) -> None:
    shown = lightship("verify", image, "--scanner", "grype", "-v")
    assert (
        "warning: no package has a known vulnerability: not so in 2 places [LV801-known-vulnerability]\n"
        "  openssl: CVE-2023-5678; in libssl3; mended in 3.0.13-1~deb12u1\n"
        "  requests: CVE-2023-32681 (GHSA-j8r2-6x86-q33q): Unintended leak of Proxy-Authorization header in "
        "requests; mended in 2.31.0\n"
    ) in shown.out
    assert "  asked about vulnerabilities: grype\n" in shown.out
    assert grype.was_called


def test_a_project_asks_a_scanner_and_accepts_what_it_knows(
    lightship: Lightship, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("osv-scanner", tmp_path, monkeypatch, code=1)
    Path("pyproject.toml").write_text(
        '[tool.lightship.verify]\nscanner = "osv-scanner"\n'
        "[tool.lightship.verify.ignore]\n"
        '"LV801-known-vulnerability:CVE-2023-32681" = "no proxy is used"\n'
        '"LV801-known-vulnerability:PYSEC-2026-*" = "disputed"\n'
        '"LV801-known-vulnerability:CVE-2020-1" = "mended long ago"\n'
    )
    shown = lightship("verify", image, "--json", "-q")
    report = json.loads(shown.out)
    assert known(shown.out) == [
        ("openssl", "warning", ["CVE-2023-5678", "DEBIAN-CVE-2023-5678"]),
        ("openssl", "note", ["CVE-2007-6755", "DEBIAN-CVE-2007-6755"]),
    ]
    assert [(item["finding"]["names"][0], item["reason"]) for item in report["accepted"]] == [
        ("PYSEC-2026-1", "disputed"),
        ("CVE-2023-32681", "no proxy is used"),
    ]
    unused = [item["message"] for item in report["findings"] if item["rule"] == "LV001-unused-ignore"]
    assert unused == ["LV801-known-vulnerability:CVE-2020-1 accepts nothing of this image"]
    assert shown.code == 0


def test_offline_reaches_the_scanner(
    lightship: Lightship, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = installed("trivy", tmp_path, monkeypatch)
    assert (
        lightship("verify", image, "--scanner", "trivy", "--offline").code == 1
    )  # of one the rating is unknown
    assert "--skip-db-update" in fake.given()["arguments"]


def test_a_scanner_that_is_not_there_is_no_pass(
    lightship: Lightship, image: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    refused = lightship("verify", image, "--scanner", "grype")
    assert refused.code == 2
    assert "grype is not installed" in refused.err
    assert "install Grype 0.116 or newer" in refused.err
    assert refused.out == ""
    Path("lightship.toml").write_text('[verify]\nscanner = "clair"\n')
    refused = lightship("verify", image)
    assert refused.code == 2
    assert "verify.scanner of lightship.toml" in refused.err
    assert "use one of these: grype, trivy, osv-scanner" in refused.err


def test_a_scanner_that_fails_is_no_pass(
    lightship: Lightship, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("trivy", tmp_path, monkeypatch, code=1, said="FATAL\tno such database\n")
    failed = lightship("verify", image, "--scanner", "trivy")
    assert failed.code == 2
    assert "trivy failed with exit code 1" in failed.err
    assert "no such database" in failed.err
    installed("trivy", tmp_path, monkeypatch, answer='{"SchemaVersion": 2}')
    empty = lightship("verify", image, "--scanner", "trivy")
    assert empty.code == 2
    assert "it saw none of the image's packages" in empty.err
