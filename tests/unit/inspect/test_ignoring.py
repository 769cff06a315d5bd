from __future__ import annotations

import pytest

from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.inspect.checks.tools import PACKAGE_MANAGER, SHELL
from lightship.inspect.findings import Report
from lightship.inspect.ignoring import without_ignored

FINDINGS = (
    PACKAGE_MANAGER.finding("usr/bin/apt", "the image has apt"),
    SHELL.finding("usr/bin/sh", "the image has sh"),
    SHELL.finding("opt/bin/sh", "the image has sh"),
)
REPORT = Report(Digest("sha256:" + "0" * 64), "linux/amd64", FINDINGS, 0, None, 0, 0, 0, (), 0)


def test_findings_of_a_rule_are_accepted() -> None:
    left = without_ignored(REPORT, ["LV102-package-manager", "LV103-shell"])
    assert left.findings == ()
    assert left.passed
    assert without_ignored(REPORT, []) == REPORT


def test_a_pattern_accepts_those_of_a_place_alone() -> None:
    left = without_ignored(REPORT, ["LV103-shell:usr/*"])
    assert [finding.where for finding in left.findings] == ["usr/bin/apt", "opt/bin/sh"]
    assert not left.passed


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown rule 'LV103'") as caught:
        without_ignored(REPORT, ["LV103"])
    assert caught.value.hint == "did you mean LV103-shell?"
