"""Skips are visible, name the package to install, and are failures in CI (LIGHTSHIP_REQUIRE_ALL)."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from scripts.dockerd import private_daemon
from tests.support.tools import missing_tools


def pytest_runtest_setup(item: pytest.Item) -> None:
    names = [name for mark in item.iter_markers("requires_tool") for name in mark.args]
    if missing := missing_tools(names):
        wanted = ", ".join(f"{name} (package {package})" for name, package in missing.items())
        pytest.skip(f"not on this machine: {wanted}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.outcome == "skipped":
        _refuse_in_ci(report)
    return report


def _refuse_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("LIGHTSHIP_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"LIGHTSHIP_REQUIRE_ALL is set, and this was skipped: {report.longrepr}"


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """`DOCKER_HOST` of the daemon that runs already, or of one that lives as long as the tests."""
    if running := os.environ.get("DOCKER_HOST"):
        yield running
        return
    if missing := missing_tools(["dockerd", "/usr/bin/docker"]):
        pytest.skip(f"not on this machine: {missing}")
    if os.geteuid() != 0:
        pytest.skip("dockerd needs root: run the tests as root, or set DOCKER_HOST")
    with private_daemon() as host:
        yield host
