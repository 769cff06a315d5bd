"""Starting servers on free ports, and waiting until they answer."""

import socket
import subprocess
import time
from collections.abc import Callable

_PATIENCE = 30.0


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
        if process is not None and process.poll() is not None:
            message = f"{what}: the process ended with {process.returncode}"
            raise RuntimeError(message)
        if time.monotonic() > deadline:
            message = f"{what}: not within {_PATIENCE:.0f} s"
            raise TimeoutError(message)
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], signal: int) -> int:
    """Send the signal and wait for the end."""
    process.send_signal(signal)
    return process.wait(_PATIENCE)
