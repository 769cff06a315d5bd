"""What is installed, as advisories name it, and what becomes of what several sources tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.events import SilentReporter
from lightship.fs.entries import Entry, regular, symlink
from lightship.inspect.checks.vulnerabilities import Advisory, check_vulnerabilities
from lightship.inspect.contents import Contents, open_contents
from lightship.inspect.findings import Severity
from lightship.inspect.packages import Package, read_installed
from lightship.oci.layout import LayoutImage
from tests.support.installed import dist

MakeImage = Callable[..., LayoutImage]
BOOKWORM = regular("usr/lib/os-release", b'PRETTY_NAME="Debian 12"\nID=debian\nVERSION_ID="12"\n')
RELEASE = symlink("etc/os-release", "../usr/lib/os-release")
REQUESTS = Package("PyPI", "requests", "2.30.0")


@dataclass(frozen=True)
class Told:
    """A source that tells the same of every image."""

    advisories: Sequence[Advisory]
    name: str = "told"

    def about(self, packages: Sequence[Package]) -> Sequence[Advisory]:
        assert list(packages) == sorted(packages)
        return self.advisories


@pytest.fixture
def contents(make_image: MakeImage, tmp_path: Path) -> Callable[..., Contents]:
    def make(*entries: Entry) -> Contents:
        return open_contents(make_image([*entries]), cache=tmp_path / "cache", reporter=SilentReporter())

    return make


def deb(name: str, version: str, source: str = "", state: str = "") -> str:
    fields = {"Package": name, "Status": state, "Version": version, "Source": source, "Architecture": "amd64"}
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value) + "\n"


def test_debian_packages_are_told_by_their_sources(contents: Callable[..., Contents]) -> None:
    folder = "var/lib/dpkg/status.d"
    found = contents(
        BOOKWORM,
        RELEASE,
        *dist("Some.Package", {}, version="2.0"),
        regular(f"{folder}/libssl3", deb("libssl3", "3.0.11-1", "openssl").encode()),
        regular(f"{folder}/openssl", deb("openssl", "3.0.11-1").encode()),
        regular(f"{folder}/openssl.md5sums", b"Package: no\nVersion: 1\n"),
        regular(f"{folder}/zlib1g", deb("zlib1g", "1:1.2.13-1+b1", "zlib (1:1.2.13-1)").encode()),
        regular(f"{folder}/tzdata", deb("tzdata", "2024a-0").encode()),
    )
    assert read_installed(found) == [
        Package("Debian:12", "openssl", "3.0.11-1", ("libssl3", "openssl")),
        Package("Debian:12", "tzdata", "2024a-0"),
        Package("Debian:12", "zlib", "1:1.2.13-1", ("zlib1g",)),
        Package("PyPI", "some-package", "2.0"),
    ]


def test_dpkgs_own_database_is_read(contents: Callable[..., Contents]) -> None:
    gone = deb("gone", "1", state="deinstall ok config-files")
    stanzas = deb("dash", "0.5-1", state="install ok installed") + gone
    found = contents(BOOKWORM, RELEASE, regular("var/lib/dpkg/status", stanzas.encode()))
    assert read_installed(found) == [Package("Debian:12", "dash", "0.5-1")]


@pytest.mark.parametrize(
    ("release", "ecosystem"),
    [
        ("ID=debian\nVERSION_ID='13'\n", "Debian:13"),
        ("ID=debian\nPRETTY_NAME=sid\n", "Debian"),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', "Ubuntu:24.04:LTS"),
        ('ID=ubuntu\nVERSION_ID="23.04"\n', "Ubuntu:23.04"),
        ('ID=ubuntu\nVERSION_ID="24.10"\n', "Ubuntu:24.10"),
        ('ID=kali\nVERSION_ID="2024.1"\n', ""),
        ("", ""),
    ],
)
def test_the_system_has_osvs_name(contents: Callable[..., Contents], release: str, ecosystem: str) -> None:
    status = regular("var/lib/dpkg/status", deb("dash", "1-1", state="install ok installed").encode())
    found = contents(status, regular("etc/os-release", release.encode()))
    assert [item.ecosystem for item in read_installed(found)] == [ecosystem]


def test_what_several_sources_tell_is_one_finding(contents: Callable[..., Contents]) -> None:
    osv = Told([Advisory(REQUESTS, "PYSEC-2023-74", "", "", ("CVE-2023-32681",))])
    grype = Told(
        [Advisory(REQUESTS, "GHSA-j8r2", "It leaks.", "2.31.0", ("CVE-2023-32681",), Severity.WARNING)]
    )
    other = Told([Advisory(REQUESTS, "CVE-2024-1", "x" * 20 + " word" * 40, severity=Severity.NOTE)])
    first, second = check_vulnerabilities(contents(), [osv, grype, other])
    assert first.names == ("CVE-2023-32681", "GHSA-j8r2", "PYSEC-2023-74")
    assert (first.where, first.severity) == ("requests", Severity.WARNING)
    assert first.message == "CVE-2023-32681 (GHSA-j8r2, PYSEC-2023-74): It leaks.; mended in 2.31.0"
    assert (second.names, second.severity) == (("CVE-2024-1",), Severity.NOTE)
    assert second.message.endswith("word …")
    assert len(second.message) <= 120


def test_names_that_only_a_third_source_joins_are_joined(contents: Callable[..., Contents]) -> None:
    told = Told(
        [
            Advisory(REQUESTS, "A", aliases=("B",)),
            Advisory(REQUESTS, "D", aliases=("C",)),
            Advisory(REQUESTS, "B", aliases=("C",)),
        ]
    )
    (found,) = check_vulnerabilities(contents(), [told])
    assert found.names == ("A", "B", "C", "D")


def test_one_vulnerability_of_two_packages_is_two_findings(contents: Callable[..., Contents]) -> None:
    openssl = Package("Debian:12", "openssl", "3", ("libssl3",))
    told = Told([Advisory(openssl, "CVE-1", severity=Severity.NOTE), Advisory(REQUESTS, "CVE-1", fixed="9")])
    first, second = check_vulnerabilities(contents(), [told])
    assert (first.where, first.severity, first.message) == ("openssl", "note", "CVE-1; in libssl3")
    assert (second.where, second.severity, second.message) == ("requests", "error", "CVE-1; mended in 9")


def test_nobody_is_asked_unless_somebody_is(contents: Callable[..., Contents]) -> None:
    assert not list(check_vulnerabilities(contents(), []))
