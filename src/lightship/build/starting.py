"""A service, started once in a sandbox of its own with its health check and the project's check."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import IO

import msgspec

from lightship.build.sandbox import RunRequest, Sandbox, Volume
from lightship.errors import StartError
from lightship.oci.model import Execution

TIMEOUT, QUIET, GRACE = 180.0, 3.0, 10.0
"""Seconds: until it is healthy, without an import until it counts as started, and for it to end."""
_PLACE = "/run/lightship"
_LOG_END = 4000


class _Answer(msgspec.Struct):
    failed: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One start: an unpacked image, how it is started, and the project whose `check` looks at it.

    `env` goes over the image's variables, for the service and the check; `python` is the image's interpreter.
    """

    root: Path
    execution: Execution
    project: Path
    python: str
    check: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT

    def carry_out(self, sandbox: Sandbox, bytecode: Path) -> None:
        """Start, check and stop the service; the bytecode of what it imports is left in a folder.

        Raises:
            StartError: with the end of what the service wrote.

        """
        with tempfile.TemporaryFile() as log:
            running = sandbox.start(self._request(bytecode), stdout=log, stderr=log)
            with suppress(subprocess.TimeoutExpired):
                running.wait(self.timeout + QUIET + 2 * GRACE)
            running.stop(0)
            _judge(log)

    def _request(self, bytecode: Path) -> RunRequest:
        script = files("lightship.build").joinpath("start_probe.py").read_text("utf-8")
        orders = {
            "command": self.execution.argv,
            "health": _health(self.execution),
            "serves": bool(self.execution.exposed_ports),
            "check": self.check,
            "project": f"{_PLACE}/project",
            "bytecode": f"{_PLACE}/bytecode",
            "timeout": self.timeout,
            "quiet": QUIET,
            "grace": GRACE,
        }
        return RunRequest(
            root=self.root,
            execution=self.execution,
            argv=(self.python, "-S", "-P", "-c", script, json.dumps(orders)),
            env=self.env,
            volumes=(
                Volume(self.project.absolute(), f"{_PLACE}/project", read_only=True),
                Volume(bytecode, f"{_PLACE}/bytecode"),
            ),
            network=False,
        )


def _health(execution: Execution) -> tuple[str, ...]:
    check = execution.healthcheck
    if check is None or check.test[:1] not in (("CMD",), ("CMD-SHELL",)):
        return ()
    return check.test[1:] if check.test[0] == "CMD" else ("/bin/sh", "-c", *check.test[1:])


def _judge(log: IO[bytes]) -> None:
    log.seek(0)
    text = log.read().decode("utf-8", "replace").rstrip()
    said, _, last = text.rpartition("\n")
    try:
        failed = msgspec.json.decode(last, type=_Answer).failed
    except msgspec.DecodeError:
        failed, said = "it could not be started", text
    if failed:
        raise StartError(
            f"the recorded start failed: {failed}",
            hint="give it what variables it needs in [tool.lightship.check] env; it has no network",
            detail=said[-_LOG_END:],
        )
