from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import UsageError
from lightship.inspect.checks.vulnerabilities import Advisory
from lightship.inspect.findings import Severity
from lightship.inspect.osv import OsvFiles
from lightship.inspect.packages import Package


def document(*events: dict[str, str], name: str = "Some_Package", **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"name": name, "ecosystem": more.pop("ecosystem", "PyPI")},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        "versions": more.pop("versions", []),
    }
    return {"id": "X-1", "summary": "it leaks", "affected": [affected], **more}


def installed(version: str) -> Package:
    return Package("PyPI", "some-package", version)


def known(path: Path, value: Any, version: str) -> list[Advisory]:
    path.write_text(json.dumps(value))
    return OsvFiles(path).about([installed(version)])


def test_versions_are_followed_from_event_to_event(tmp_path: Path) -> None:
    events = ({"introduced": "2.0"}, {"fixed": "3.0"}, {"introduced": "4.0"}, {"last_affected": "4.1"})
    for version, fixed in (("2.0", "3.0"), ("2.5", "3.0"), ("4.0", ""), ("4.1", "")):
        found = known(tmp_path / "a.json", document(*events), version)
        assert found == [Advisory(installed(version), "X-1", "it leaks", fixed)]
    for version in ("1.9", "2.0rc1", "3.0", "3.9", "4.2"):
        assert known(tmp_path / "a.json", document(*events), version) == []


def test_it_is_mended_in_the_next_version_of_its_line(tmp_path: Path) -> None:
    events = ({"introduced": "0"}, {"fixed": "2.9"}, {"introduced": "3.0"}, {"fixed": "3.10"})
    value = document(*events)
    value["affected"][0]["ranges"].insert(0, {"type": "GIT", "events": [{"fixed": "0a1b2c"}]})
    for version, fixed in (("1.0", "2.9"), ("3.9", "3.10")):
        assert [item.fixed for item in known(tmp_path / "a.json", value, version)] == [fixed]
    value["affected"].insert(0, {"package": value["affected"][0]["package"], "versions": ["0.1"]})
    assert [item.fixed for item in known(tmp_path / "a.json", value, "1.0")] == ["2.9"]


def test_all_versions_and_those_that_are_listed_count(tmp_path: Path) -> None:
    assert known(tmp_path / "a.json", document({"introduced": "0"}), "0.0.1")
    assert known(tmp_path / "a.json", document(versions=["1.0"]), "1.0")
    assert not known(tmp_path / "a.json", document(versions=["1.0"]), "1.1")


def test_what_is_withdrawn_or_of_elsewhere_does_not_count(tmp_path: Path) -> None:
    everything = {"introduced": "0"}
    assert not known(tmp_path / "a.json", document(everything, withdrawn="2024-01-01T00:00:00Z"), "1")
    assert not known(tmp_path / "a.json", document(everything, ecosystem="npm"), "1")
    assert not known(tmp_path / "a.json", document(everything, name="another"), "1")
    assert not known(tmp_path / "a.json", document({"introduced": "1.0"}), "no-version")


def test_lists_and_folders_are_read(tmp_path: Path) -> None:
    assert known(tmp_path / "a.json", [document({"introduced": "0"})], "1")
    (tmp_path / "PyPI").mkdir()
    (tmp_path / "PyPI/b.json").write_text(json.dumps(document({"introduced": "0"})))
    assert len(OsvFiles(tmp_path).about([installed("1")])) == 2


@pytest.mark.parametrize("text", ["", "{}", "[1]", "<html>"])
def test_what_is_no_advisory_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UsageError, match="not an advisory"):
        OsvFiles(tmp_path / "a.json").about([])
    with pytest.raises(UsageError, match="cannot be read"):
        OsvFiles(tmp_path / "none.json").about([])


OPENSSL = Package("Debian:12", "openssl", "3.0.11-1~deb12u2", ("libssl3",))


def about_openssl(path: Path, *events: dict[str, str], **more: Any) -> list[Advisory]:
    value = document(*events, **{"name": "openssl", "ecosystem": "Debian:12", **more})
    path.write_text(json.dumps(value))
    return OsvFiles(path).about([OPENSSL])


def test_debians_versions_are_compared_as_dpkg_does(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for fixed in ("3.0.11-1", "3.0.11-1~deb12u3", "3.0.11-1~deb12u10", "1:1.0-1"):
        found = about_openssl(file, {"introduced": "0"}, {"fixed": fixed})
        assert [(item.package, item.fixed) for item in found] == [(OPENSSL, fixed)]
    for fixed in ("3.0.11-1~deb12u2", "3.0.11-1~deb12u1", "3.0.9-1", "3.0.11-1~~"):
        assert not about_openssl(file, {"introduced": "0"}, {"fixed": fixed})
    assert about_openssl(file, {"introduced": "3.0.11-1~deb12u2"})
    assert not about_openssl(file, {"introduced": "3.0.12-1"})
    assert about_openssl(file, versions=["3.0.11-1~deb12u2"])


def test_a_release_is_told_from_others(tmp_path: Path) -> None:
    everything = {"introduced": "0"}
    assert about_openssl(tmp_path / "a.json", everything, ecosystem="Debian")
    for other in ("Debian:11", "Debian:1", "Ubuntu:22.04:LTS", "PyPI", "Alpine:v3.17"):
        assert not about_openssl(tmp_path / "a.json", everything, ecosystem=other)
    assert not about_openssl(tmp_path / "a.json", everything, name="OpenSSL")
    without = Package("Debian", "openssl", "1")
    assert not OsvFiles(tmp_path / "a.json").about([without, Package("", "openssl", "1")])


@pytest.mark.parametrize(
    ("more", "aliases"),
    [
        ({}, ()),
        ({"aliases": ["CVE-1", "GHSA-1"]}, ("CVE-1", "GHSA-1")),
        ({"upstream": ["CVE-1"]}, ("CVE-1",)),
        ({"upstream": ["CVE-1", "CVE-2"]}, ()),
        ({"id": "DEBIAN-CVE-1"}, ("CVE-1",)),
        ({"aliases": None, "upstream": None}, ()),
    ],
)
def test_other_names_are_those_of_the_same_vulnerability(
    tmp_path: Path, more: dict[str, Any], aliases: tuple[str, ...]
) -> None:
    (found,) = about_openssl(tmp_path / "a.json", {"introduced": "0"}, **more)
    assert found.aliases == aliases


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({}, None),
        ({"database_specific": {"severity": "MODERATE"}}, Severity.WARNING),
        ({"database_specific": {"severity": "CRITICAL"}}, Severity.ERROR),
        ({"database_specific": {"severity": ["?"]}}, None),
        (
            {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N"}]},
            "note",
        ),
        (
            {
                "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
                "database_specific": {"severity": "LOW"},
            },
            Severity.NOTE,
        ),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N"}]}, None),
        ({"severity": [{"type": "Ubuntu", "score": "medium"}]}, Severity.WARNING),
    ],
)
def test_a_document_weighs_what_it_tells_of(
    tmp_path: Path, more: dict[str, Any], severity: Severity | str | None
) -> None:
    (found,) = about_openssl(tmp_path / "a.json", {"introduced": "0"}, **more)
    assert found.severity == severity


def test_debians_urgency_counts_more_than_a_score(tmp_path: Path) -> None:
    value = document({"introduced": "0"}, name="openssl", ecosystem="Debian:12")
    value["severity"] = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    for urgency, severity in (("unimportant", Severity.NOTE), ("not yet assigned", Severity.ERROR)):
        value["affected"][0]["ecosystem_specific"] = {"urgency": urgency}
        (tmp_path / "a.json").write_text(json.dumps(value))
        assert [item.severity for item in OsvFiles(tmp_path).about([OPENSSL])] == [severity]
