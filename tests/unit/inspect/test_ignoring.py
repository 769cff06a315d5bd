from __future__ import annotations

import pytest

from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.inspect.checks.tools import COMPILER, PACKAGE_MANAGER, SHELL
from lightship.inspect.findings import Report
from lightship.inspect.ignoring import Policy, given_ignores, judge, read_policy

FINDINGS = (
    COMPILER.finding("usr/bin/gcc", "the image has gcc"),
    PACKAGE_MANAGER.finding("usr/bin/apt", "the image has apt"),
    SHELL.finding("opt/bin/sh", "the image has sh"),
    SHELL.finding("usr/bin/sh", "the image has sh"),
)
REPORT = Report(Digest("sha256:" + "0" * 64), "linux/amd64", FINDINGS, 0, None, 0, 0, 0, (), 0)
ORIGIN = "pyproject.toml"


def given(*texts: str) -> Policy:
    return Policy(given_ignores(texts))


def test_findings_of_a_rule_are_accepted() -> None:
    left = judge(REPORT, given("LV102-package-manager", "LV103-shell", "LV101-compiler=of the base"))
    assert left.findings == ()
    assert left.passed
    assert [item.reason for item in left.accepted] == ["of the base", "", "", ""]
    assert judge(REPORT, given()) == REPORT


def test_a_pattern_accepts_those_of_a_place_alone() -> None:
    left = judge(REPORT, given("LV103-shell:usr/*"))
    assert [finding.where for finding in left.findings] == ["usr/bin/gcc", "usr/bin/apt", "opt/bin/sh"]
    assert not left.passed


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown rule 'LV103'") as caught:
        given("LV103")
    assert (caught.value.where, caught.value.hint) == ("--ignore", "did you mean LV103-shell?")
    with pytest.raises(UsageError, match="unknown rule 'LV13-shell'") as caught:
        read_policy({}, {"LV13-shell": "error"}, ORIGIN)
    assert caught.value.where == ORIGIN


def test_a_project_gives_reasons() -> None:
    policy = read_policy({"LV103-shell:opt/*": "ours", "LV101-compiler": "theirs"}, {}, ORIGIN)
    left = judge(REPORT, policy)
    assert [(item.finding.where, item.reason) for item in left.accepted] == [
        ("usr/bin/gcc", "theirs"),
        ("opt/bin/sh", "ours"),
    ]
    with pytest.raises(UsageError, match=r"verify\.ignore: LV103-shell has no reason"):
        read_policy({"LV103-shell": " "}, {}, ORIGIN)


def test_what_accepts_nothing_is_told_where_it_stands_in_a_file() -> None:
    left = judge(REPORT, read_policy({"LV103-shell:srv/*": "ours"}, {}, ORIGIN))
    assert [(item.rule, item.where, item.message) for item in left.findings[-1:]] == [
        ("LV001-unused-ignore", ORIGIN, "LV103-shell:srv/* accepts nothing of this image")
    ]
    assert judge(REPORT, given("LV103-shell:srv/*")) == REPORT


def test_a_project_weighs_rules() -> None:
    left = judge(REPORT, read_policy({}, {"LV101-compiler": "note", "LV103-shell": "error"}, ORIGIN))
    assert [(str(item.severity), item.rule) for item in left.findings] == [
        ("error", "LV103-shell"),
        ("error", "LV103-shell"),
        ("warning", "LV102-package-manager"),
        ("note", "LV101-compiler"),
    ]
    with pytest.raises(UsageError, match=r"verify\.severity: 'fatal' is none"):
        read_policy({}, {"LV103-shell": "fatal"}, ORIGIN)


def test_strict_fails_on_warnings() -> None:
    left = judge(REPORT, given("LV101-compiler"))
    assert left.passes(strict=False)
    assert not left.passes(strict=True)
