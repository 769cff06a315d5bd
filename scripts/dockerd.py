"""Run a command beside a Docker daemon of its own: `python scripts/dockerd.py docker images`.

The daemon listens on a socket in a temporary folder, touches neither the firewall nor the network's bridges
(containers use `--network host` or none), and goes with all that it stored when the command ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT = 60.0
"""Seconds; a daemon starts in less than one unless the machine is very busy."""


@contextmanager
def private_daemon(*options: str) -> Iterator[str]:
    """Start dockerd, with more options of its own, and yield its `DOCKER_HOST`.

    Raises:
        RuntimeError: if it does not come up, with the end of its log.

    """
    folder = Path(tempfile.mkdtemp(prefix="dockerd-"))
    log = folder / "log"
    try:
        with (
            log.open("wb") as output,
            subprocess.Popen([*_command(folder), *options], stdout=output, stderr=output) as daemon,
        ):
            try:
                _wait_for(folder / "docker.sock", daemon, log)
                yield f"unix://{folder}/docker.sock"
            finally:
                daemon.terminate()
    finally:
        unmount_below(folder)
        shutil.rmtree(folder)


def unmount_below(folder: Path) -> None:
    """Let go of what container engines leave mounted, such as the network namespace of `--network host`."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in reversed([point for point in points if point.startswith(f"{folder}/")]):
        subprocess.run(["/bin/umount", "--lazy", point], check=True)


def _command(folder: Path) -> list[str]:
    # If whoever started it is killed, nobody is left to stop the daemon: the kernel does.
    return [
        *("setpriv", "--pdeathsig", "TERM", "--"),
        *("/usr/sbin/dockerd", "--host", f"unix://{folder}/docker.sock", "--pidfile", f"{folder}/pid"),
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
    ]


def _wait_for(socket: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT
    ping = ["/usr/bin/docker", "--host", f"unix://{socket}", "version", "--format", "{{.Server.Version}}"]
    while daemon.poll() is None and time.monotonic() < end:
        if subprocess.run(ping, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"dockerd did not start:\n{log.read_text()[-4000:]}")


def main() -> int:
    with private_daemon() as host:
        return subprocess.run(sys.argv[1:], env={**os.environ, "DOCKER_HOST": host}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
