"""pytest hooks: with LIGHTSHIP_REQUIRE_ALL set, as in CI, a skipped test is a failed one."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.outcome == "skipped":
        _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("LIGHTSHIP_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"LIGHTSHIP_REQUIRE_ALL is set, and this was skipped: {report.longrepr}"
