"""Starts a service, sees it healthy, runs the project's check, stops it; runs in the image, by its Python.

It is given to `python -c` with its orders as JSON, so it stands alone. The sandbox has a network of its own,
so the service, its health check and the project's check must share it: this process starts them all. The
last line that it writes is JSON: `failed` says why the start is not good for anything, empty if it is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

POLL = 0.2
LAST_WORDS = 1000


def main(orders: dict[str, Any]) -> str:
    """Carry out the orders; give the reason why that failed, if it did."""
    service = subprocess.Popen(orders["command"], env=service_environment(orders["bytecode"]))
    try:
        return observe(service, orders)
    finally:
        stop(service, orders["grace"])


def service_environment(bytecode: str) -> dict[str, str]:
    """Have every Python of the service leave its bytecode in one folder (PYTHONPYCACHEPREFIX)."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": bytecode}


def observe(service: subprocess.Popen[bytes], orders: dict[str, Any]) -> str:
    deadline = time.monotonic() + orders["timeout"]
    health, check = orders["health"], orders["check"]
    while health and subprocess.run(health, check=False, stderr=subprocess.DEVNULL).returncode:
        if service.poll() is not None:
            return f"the service ended with status {service.returncode}"
        if time.monotonic() > deadline:
            return f"the service was not healthy within {orders['timeout']:g} s"
        time.sleep(POLL)
    if check:
        failed = run_check(check, orders["project"], deadline)
        if failed:
            return failed
    await_quiet(service, orders["bytecode"], orders["quiet"], deadline)
    if service.poll() is not None and (service.returncode or orders["serves"]):
        return f"the service ended with status {service.returncode}"
    return ""


def run_check(check: list[str], folder: str, deadline: float) -> str:
    seconds = deadline - time.monotonic()
    both = subprocess.STDOUT
    try:
        done = subprocess.run(
            check, check=False, cwd=folder, timeout=seconds, stdout=subprocess.PIPE, stderr=both
        )
    except subprocess.TimeoutExpired:
        return "the project's check did not end in time"
    except OSError as error:
        return f"the project's check cannot be run: {error}"
    said = done.stdout.decode("utf-8", "replace").strip()[-LAST_WORDS:] or "it wrote nothing"
    return f"the project's check ended with status {done.returncode}: {said}" if done.returncode else ""


def await_quiet(service: subprocess.Popen[bytes], folder: str, quiet: float, deadline: float) -> None:
    """Wait until nothing was imported for a while: services load their models in the background."""
    count, since = -1, time.monotonic()
    while service.poll() is None and time.monotonic() < min(deadline, since + quiet):
        found = sum(len(names) for _, _, names in os.walk(folder))
        if found != count:
            count, since = found, time.monotonic()
        time.sleep(POLL)


def stop(service: subprocess.Popen[bytes], grace: float) -> None:
    service.send_signal(signal.SIGTERM)
    try:
        service.wait(grace)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


if __name__ == "__main__":
    reason = main(json.loads(sys.argv[1]))
    sys.stdout.write("\n" + json.dumps({"failed": reason}) + "\n")
    sys.stdout.flush()
