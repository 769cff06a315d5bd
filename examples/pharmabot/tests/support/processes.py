"""Starting servers on free ports, and waiting until they answer."""

import random
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TypeGuard

_PATIENCE = 30.0


def free_port() -> int:
    """Return a port that nobody listens on.

    It lies below those that the kernel gives to outgoing connections: one of them could take it while the
    server that owns it is stopped.
    """
    return next(filter(_is_free, random.sample(range(20_000, 32_000), 100)))


def accepts_connections(port: int) -> bool:
    """Say whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(
    condition: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Wait for the condition, or fail when patience or the process ends."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if process is not None and not is_running(process):
            message = f"{what}: the process ended with {process.returncode}"
            raise RuntimeError(message)
        if time.monotonic() > deadline:
            message = f"{what}: not within {_PATIENCE:.0f} s"
            raise TimeoutError(message)
        time.sleep(0.02)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_running(process: subprocess.Popen[bytes] | None) -> TypeGuard[subprocess.Popen[bytes]]:
    """Say whether the process was started and has not ended."""
    return process is not None and process.poll() is None


def stop(process: subprocess.Popen[bytes], signal: int) -> int:
    """Send the signal and wait for the end."""
    process.send_signal(signal)
    return process.wait(_PATIENCE)
