"""Skips are visible, name the package to install, and are failures in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.dockerd import private_daemon
from scripts.require_all import pytest_make_collect_report, pytest_runtest_makereport
from tests.support.groups import ByGroup, in_order
from tests.support.tools import missing_tools

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup | None:
    """Keep groups together with `--dist loadgroup`: pytest-xdist's own scheduler needs pytest before 9.2."""
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return ByGroup(config, log)


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
