"""Skips are visible, name the package to install, and are failures in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dockerd import private_daemon
from scripts.require_all import pytest_make_collect_report, pytest_runtest_makereport
from tests.support.tools import missing_tools

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


INTEGRATION = Path(__file__).parent / "integration"
TOGETHER = {
    "stages": "services",
    "start": "services",
    "article": "docker",
    "dockerfile": "docker",
    "engines": "docker",
}
"""Folders whose services listen at the same port of this machine, or that build on the same stand-ins."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep integration tests of a folder in one process (`--dist loadgroup`): they share what they build."""
    for item in items:
        if item.path.is_relative_to(INTEGRATION):
            folder = item.path.relative_to(INTEGRATION).parts[0]
            item.add_marker(pytest.mark.xdist_group(TOGETHER.get(folder, folder)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    names = [name for mark in item.iter_markers("requires_tool") for name in mark.args]
    if missing := missing_tools(names):
        wanted = ", ".join(f"{name} (package {package})" for name, package in missing.items())
        pytest.skip(f"not on this machine: {wanted}")


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
