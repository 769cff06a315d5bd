"""The image starts, read-only and as its own user, and its health check answers."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from lightship.build.health import http_probe, tcp_probe, wait_healthy
from lightship.build.running import Running
from lightship.build.sandbox import RunRequest, Sandbox
from lightship.errors import CheckError, UsageError
from lightship.inspect.checks.imports import last_words
from lightship.inspect.findings import Finding, Rule, Severity
from lightship.inspect.memory import memory_of
from lightship.inspect.sizes import amount
from lightship.oci.model import Healthcheck

UNHEALTHY = Rule(
    "LV601-not-healthy",
    "the health check answers",
    Severity.ERROR,
    "An engine would restart the service for ever, and a balancer would never send it a request.",
    "read the end of the log above; start it with the variables it needs (`--env`)",
)
CHECK_FAILS = Rule(
    "LV602-health-command-fails",
    "the health check's own command works",
    Severity.ERROR,
    "The service answers, and the command of the image that asks it fails: the engine calls it unhealthy.",
    "write the check with what is in the image: Python, not curl or a shell",
)
STUBBORN = Rule(
    "LV603-does-not-stop",
    "the service ends when it is told to",
    Severity.WARNING,
    "The stop signal had no effect, so the service was killed, and with it the requests it was answering.",
    "handle SIGTERM, or start the server itself and not a script around it",
)
HEAVY = Rule(
    "LV604-memory-at-rest",
    "its memory at rest is within the budget",
    Severity.ERROR,
    "The project set itself a limit, and whoever runs the service reserves what it says.",
    "import less at start, start fewer workers, or raise `verify.memory`",
)
RULES = (UNHEALTHY, CHECK_FAILS, STUBBORN, HEAVY)

GRACE = 10.0
"""Seconds between the stop signal and the end, as Docker has them."""
SETTLED = 3.0
"""Seconds after which what serves nothing is taken to run."""
_URL = re.compile(r"https?://[^\s'\"`)\\,;]+")


@dataclass(frozen=True, slots=True)
class StartLimits:
    """Seconds until the service is healthy, and until it has stopped; the most bytes of memory at rest."""

    healthy: float = 60.0
    stop: float = GRACE
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class StartResult:
    """What came of a start: `seconds` until the service was healthy, if ever, and its bytes of `memory`."""

    findings: tuple[Finding, ...]
    seconds: float | None = None
    memory: int | None = None


def check_start(sandbox: Sandbox, request: RunRequest, limits: StartLimits) -> StartResult:
    """Start the image, wait until it is healthy, stop it.

    Raises:
        UsageError: a port is taken.

    """
    asks = replace(request, argv=_command(request.execution.healthcheck), publish=())
    with tempfile.TemporaryFile() as log:
        running = sandbox.start(request, stdout=log, stderr=log)
        try:
            if asks.argv:
                return _observe(sandbox, asks, running, log, limits)
            return _watch(request, running, log, limits)
        finally:
            running.stop(0)


def _observe(
    sandbox: Sandbox, asks: RunRequest, running: Running, log: IO[bytes], limits: StartLimits
) -> StartResult:
    """Wait for the health check, run it as engines do, and stop the service."""
    try:
        seconds = wait_healthy(_probe(sandbox, asks), timeout=limits.healthy, alive=running.alive)
    except CheckError as error:
        return _failed(running, error.message, log)
    checked = tuple(_own_check(sandbox, asks))
    return _ended(running, seconds, limits, checked)


def _ended(
    running: Running, seconds: float | None, limits: StartLimits, found: tuple[Finding, ...] = ()
) -> StartResult:
    """Weigh a service that is at rest, and stop it."""
    memory = memory_of(running.pid)
    findings = (*found, *_stop(running, limits.stop), *_weigh(memory, limits.memory))
    return StartResult(findings, None if seconds is None else round(seconds, 3), memory)


def _watch(request: RunRequest, running: Running, log: IO[bytes], limits: StartLimits) -> StartResult:
    """Wait until a service without a health check listens; a job may end, with status 0."""
    if request.publish:
        place = request.publish[0]
        try:
            seconds = wait_healthy(
                tcp_probe(place.host_ip, place.host_port), timeout=limits.healthy, alive=running.alive
            )
        except CheckError as error:
            return _failed(running, error.message, log)
        return _ended(running, seconds, limits)
    try:
        status = running.wait(SETTLED)
    except subprocess.TimeoutExpired:
        return _ended(running, None, limits)
    return _failed(running, f"it ended with status {status}", log) if status else StartResult(())


def _failed(running: Running, message: str, log: IO[bytes]) -> StartResult:
    running.stop(0)
    words = f"{message}; the end of its log: {last_words(log)}"
    return StartResult((UNHEALTHY.finding("Healthcheck", words),))


def _probe(sandbox: Sandbox, asks: RunRequest) -> Callable[[], bool]:
    """Ask by HTTP where the command names a URL: a process a probe would slow the start it measures."""
    urls = [url for word in asks.argv for url in _URL.findall(word)]
    return http_probe(urls[0]) if urls else lambda: not any(_own_check(sandbox, asks))


def _own_check(sandbox: Sandbox, asks: RunRequest) -> Iterator[Finding]:
    """Run the image's command in a sandbox of its own, which shares the network."""
    with tempfile.TemporaryFile() as log:
        try:
            status = sandbox.start(asks, stdout=log, stderr=log).wait()
        except UsageError as error:
            yield CHECK_FAILS.finding("Healthcheck", error.message)
            return
        if status:
            yield CHECK_FAILS.finding("Healthcheck", f"ended with status {status}: {last_words(log)}")


def _stop(running: Running, seconds: float) -> Iterator[Finding]:
    if running.stop(seconds) == 137:  # 128 + SIGKILL
        yield STUBBORN.finding("StopSignal", f"the service did not end within {seconds:g} s")


def _weigh(memory: int | None, most: int | None) -> Iterator[Finding]:
    if most is not None and memory is None:
        yield HEAVY.finding("memory", "it could not be read here")
    elif most is not None and memory is not None and memory > most:
        yield HEAVY.finding("memory", f"{amount(memory)} at rest, and {amount(most)} are the most")


def _command(health: Healthcheck | None) -> tuple[str, ...]:
    """Give the words that engines run (Docker's `HEALTHCHECK`), none where there is no check."""
    if health is None or health.test[:1] not in (("CMD",), ("CMD-SHELL",)):
        return ()
    return health.test[1:] if health.test[0] == "CMD" else ("/bin/sh", "-c", *health.test[1:])
