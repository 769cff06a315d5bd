"""Storage and settings of their own for Podman and Buildah, as `scripts/dockerd.py` gives Docker a daemon."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.dockerd import unmount_below


@contextmanager
def private_containers() -> Iterator[dict[str, str]]:
    """Give variables beside this process's own, for any cgroup hierarchy; the storage goes with the block.

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
    try:
        yield {
            "CONTAINERS_STORAGE_CONF": f"{storage}/storage.conf",
            "CONTAINERS_CONF": f"{storage}/containers.conf",
            "BUILDAH_RUNTIME": "runc",
        }
    finally:
        unmount_below(storage)
        shutil.rmtree(storage)
