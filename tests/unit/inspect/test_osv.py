from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightship.errors import UsageError
from lightship.inspect.checks.vulnerabilities import Advisory, Package
from lightship.inspect.osv import OsvFiles


def document(*events: dict[str, str], name: str = "Some_Package", **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"name": name, "ecosystem": more.pop("ecosystem", "PyPI")},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        "versions": more.pop("versions", []),
    }
    return {"id": "X-1", "summary": "it leaks", "affected": [affected], **more}


def known(path: Path, value: Any, version: str) -> list[Advisory]:
    path.write_text(json.dumps(value))
    return OsvFiles(path).about([Package("some-package", version)])


def test_versions_are_followed_from_event_to_event(tmp_path: Path) -> None:
    events = ({"introduced": "2.0"}, {"fixed": "3.0"}, {"introduced": "4.0"}, {"last_affected": "4.1"})
    for version in ("2.0", "2.5", "4.0", "4.1"):
        found = known(tmp_path / "a.json", document(*events), version)
        assert found == [Advisory("some-package", "X-1", "it leaks", "3.0")]
    for version in ("1.9", "2.0rc1", "3.0", "3.9", "4.2"):
        assert known(tmp_path / "a.json", document(*events), version) == []


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
    assert len(OsvFiles(tmp_path).about([Package("some-package", "1")])) == 2


@pytest.mark.parametrize("text", ["", "{}", "[1]", "<html>"])
def test_what_is_no_advisory_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UsageError, match="not an advisory"):
        OsvFiles(tmp_path / "a.json").about([])
    with pytest.raises(UsageError, match="cannot be read"):
        OsvFiles(tmp_path / "none.json").about([])
