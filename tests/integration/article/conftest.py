"""Docker with the stand-in bases, and the article's Dockerfiles built on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.standins import load
from tests.support.docker_build import DockerBuilds, cpu_torch, docker_builds
from tests.support.programs import Run, caller
from tests.support.tools import missing_tools


@pytest.fixture(scope="session")
def bases(docker_host: str) -> str:
    """`DOCKER_HOST` of a daemon that has both stand-ins."""
    if missing := missing_tools(["mmdebstrap"]):
        pytest.skip(f"not on this machine: {missing}")
    load(docker_host)
    return docker_host


@pytest.fixture(scope="session")
def client(bases: str) -> Run:
    """Docker's client; what it builds stays for the tests that come."""
    return caller("/usr/bin/docker", "--host", bases)


@pytest.fixture(scope="session")
def build(bases: str) -> Iterator[DockerBuilds]:
    with docker_builds(bases, constraints=cpu_torch()) as builds:
        yield builds
