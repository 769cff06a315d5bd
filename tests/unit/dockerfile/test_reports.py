from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from lightship.dockerfile.files import find_dockerfiles, read_text, write_text
from lightship.dockerfile.findings import Finding, Severity
from lightship.dockerfile.github import to_command
from lightship.dockerfile.hadolint import COVERED, Hadolint
from lightship.dockerfile.ignores import matches
from lightship.dockerfile.lint import RULES, Options, lint_text
from lightship.dockerfile.sarif import to_sarif
from lightship.errors import UsageError
from tests.unit.dockerfile.checking import findings

TEXT = "FROM python:3.11-slim\nRUN pip install flask\nUSER 1\nADD a b\n"


def test_sarif_has_what_the_standard_requires() -> None:
    found = findings(TEXT)
    document = to_sarif(found)
    run = document["runs"][0]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["name"] == "lightship"
    result: dict[str, Any] = run["results"][0]
    assert (
        run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "LD209-package-cache"
    )
    assert result["level"] == "warning"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "Dockerfile"}
    assert place["region"] == {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 22}
    replacement = result["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["insertedContent"] == {"text": " --no-cache-dir"}
    assert replacement["deletedRegion"] == {"charOffset": TEXT.index(" flask"), "charLength": 0}


def test_github_commands_are_escaped() -> None:
    finding = Finding("a,b:c", 3, 4, "LD1-x", Severity.NOTE, "50%\nmore", "do", 3, 9)
    assert to_command(finding) == (
        "::notice file=a%2Cb%3Ac,line=3,endLine=3,col=4,endColumn=9,title=LD1-x::50%25%0Amore: do"
    )


def test_dockerfiles_of_a_folder(tmp_path: Path) -> None:
    for name in ("Dockerfile", "Dockerfile.gpu", "api.Dockerfile", "Dockerfile.dockerignore", "notes.txt"):
        (tmp_path / name).write_text("FROM a\n")
    (tmp_path / "sub").mkdir()
    names = [
        path.name for path in find_dockerfiles([tmp_path, tmp_path / "Dockerfile", tmp_path / "notes.txt"])
    ]
    assert names == ["Dockerfile", "Dockerfile.gpu", "api.Dockerfile", "notes.txt"]
    with pytest.raises(UsageError, match="there is no Dockerfile"):
        find_dockerfiles([tmp_path / "sub"])
    with pytest.raises(UsageError, match="there is no such file"):
        find_dockerfiles([tmp_path / "other"])


def test_files_keep_bytes_mode_and_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "Dockerfile"
    real.write_bytes(b"# \xe9\r\nFROM a\n")
    real.chmod(0o600)
    link.symlink_to(real)
    write_text(link, read_text(link) + "USER 1\n")
    assert real.read_bytes() == b"# \xe9\r\nFROM a\nUSER 1\n"
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_covered_rules_are_rules() -> None:
    assert all(any(matches(rule.id, (code,)) for rule in RULES) for code in COVERED.values())


def test_hadolint_is_merged_without_what_is_covered(tmp_path: Path) -> None:
    found = Hadolint.find({"PATH": "", "HADOLINT_NOFAIL": "1"}, Path(sys.prefix))
    assert found
    (tmp_path / ".hadolint.yaml").write_text("ignored: [DL3013]\n")
    result = lint_text("Dockerfile", TEXT, Options(hadolint=found, folder=tmp_path))
    rules = [(one.rule, one.line, one.severity, one.source) for one in result.findings]
    assert rules == [
        ("LD209-package-cache", 2, Severity.WARNING, "lightship"),
        ("DL3020", 4, Severity.ERROR, "hadolint"),
    ]
    assert not result.passed


def test_hadolints_own_comments_hold(tmp_path: Path) -> None:
    found = Hadolint.find({}, Path(sys.prefix))
    text = TEXT.replace("ADD", "# hadolint ignore=DL3020\nADD")
    result = lint_text("Dockerfile", text, Options(hadolint=found, folder=tmp_path))
    assert "DL3020" not in {one.rule for one in result.findings}


def test_without_hadolint_and_with_a_broken_one(tmp_path: Path) -> None:
    assert Hadolint.find({"PATH": str(tmp_path)}, tmp_path) is None
    broken = tmp_path / "bin" / "hadolint"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho nothing\n")
    broken.chmod(0o755)
    with pytest.raises(UsageError, match="hadolint does not work"):
        lint_text("Dockerfile", TEXT, Options(hadolint=Hadolint.find({}, tmp_path), folder=tmp_path))
