"""Container engines, each with storage of its own that goes when the test ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dockerd import unmount_below
from tests.support.programs import Run, caller


@pytest.fixture
def docker(docker_host: str) -> Iterator[Run]:
    """Call Docker; images are gone after the test."""
    call = caller("/usr/bin/docker", "--host", docker_host)
    yield call
    if containers := call("container", "ls", "--all", "--quiet").split():
        call("container", "rm", "--force", *containers)
    if images := call("image", "ls", "--quiet").split():
        call("image", "rm", "--force", *sorted(set(images)))


@pytest.fixture
def containers() -> Iterator[dict[str, str]]:
    """Give Podman and Buildah storage of their own, and settings that suit any cgroup hierarchy.

    Its path is short: conmon's sockets lie below it, and with a longer one `podman run` waits for 20 seconds.
    """
    storage = Path(tempfile.mkdtemp(prefix="containers-"))
    driver = "overlay" if os.geteuid() == 0 else "vfs"
    (storage / "storage.conf").write_text(
        f'[storage]\ndriver = "{driver}"\ngraphroot = "{storage}/graph"\nrunroot = "{storage}/run"\n'
    )
    (storage / "containers.conf").write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nruntime = "runc"\n'
        '[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
    )
    yield {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": f"{storage}/storage.conf",
        "CONTAINERS_CONF": f"{storage}/containers.conf",
        "BUILDAH_RUNTIME": "runc",
    }
    unmount_below(storage)
    shutil.rmtree(storage)


@pytest.fixture
def podman(containers: dict[str, str]) -> Run:
    return caller("podman", env=containers)


@pytest.fixture
def buildah(containers: dict[str, str]) -> Run:
    return caller("buildah", env=containers)
