"""The image starts, read-only and as its own user, and its health check answers."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from lightship.build.health import http_probe, wait_healthy
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
    health = request.execution.healthcheck
    if health is None or health.test[:1] not in (("CMD",), ("CMD-SHELL",)):
        return StartResult((UNHEALTHY.finding("Healthcheck", "the image has no health check to ask"),))
    with tempfile.TemporaryFile() as log:
        running = sandbox.start(request, stdout=log, stderr=log)
        try:
            return _observe(sandbox, request, health, running, log, limits)
        finally:
            running.stop(0)


def _observe(
    sandbox: Sandbox,
    request: RunRequest,
    health: Healthcheck,
    running: Running,
    log: IO[bytes],
    limits: StartLimits,
) -> StartResult:
    asks = replace(request, argv=_command(health), publish=())
    try:
        seconds = wait_healthy(_probe(sandbox, asks), timeout=limits.healthy, alive=running.alive)
    except CheckError as error:
        running.stop(0)
        words = f"{error.message}; the end of its log: {last_words(log)}"
        return StartResult((UNHEALTHY.finding("Healthcheck", words),))
    checked = tuple(_own_check(sandbox, asks))
    memory = memory_of(running.pid)
    findings = (*checked, *_stop(running, limits.stop), *_weigh(memory, limits.memory))
    return StartResult(findings, round(seconds, 3), memory)


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


def _command(health: Healthcheck) -> tuple[str, ...]:
    """Give the words that engines run (Docker's `HEALTHCHECK`)."""
    return health.test[1:] if health.test[0] == "CMD" else ("/bin/sh", "-c", *health.test[1:])
