"""A command in the builder's root: no network, no home, none of the user's variables, a limit of time."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lightship.build.running import Running, launch
from lightship.build.sandbox import ISOLATION, Volume, volume_arguments
from lightship.errors import UsageError

UID = 1000
"""Not root: builds that find themselves root may try to install to the system."""
SCRATCH = ("/run", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - of the sandbox, in memory
_POLL = 0.1


class TimeLimitError(Exception):
    """The command, with all that it had started, was killed: its time was over."""


class StoppedError(Exception):
    """The command was killed because nobody waits for its result any more."""


@dataclass(frozen=True, slots=True)
class Confined:
    """A command, the root it sees read-only, and the folders of the host that it may see or write to.

    Volumes may be placed below `/run`, which is empty, or on folders that the root has.
    """

    root: Path
    command: tuple[str, ...]
    folder: str
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()

    def arguments(self) -> list[str]:
        """Give bubblewrap's arguments, after the program's name."""
        return [
            *ISOLATION,
            *("--unshare-net", "--new-session", "--hostname", "builder"),
            *("--uid", str(UID), "--gid", str(UID)),
            *("--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev"),
            *(word for path in SCRATCH for word in ("--perms", "1777", "--tmpfs", path)),
            *(word for volume in self.volumes for word in volume_arguments(volume)),
            "--clearenv",
            *(word for pair in sorted(self.environment.items()) for word in ("--setenv", *pair)),
            *("--chdir", self.folder, "--", *self.command),
        ]


def run_confined(job: Confined, *, bwrap: Path, log: IO[bytes], seconds: float, stop: threading.Event) -> int:
    """Run a command to its end, and give its status; what it says goes to `log`.

    Every process that it leaves behind is killed with it: they share a PID namespace.

    Raises:
        TimeLimitError: after `seconds`.
        StoppedError: soon after `stop` is set.
        UsageError: if the sandbox cannot be set up.

    """
    running = launch(
        [str(bwrap), *job.arguments()], stop_signal="KILL", stdout=log, stderr=log, resources=ExitStack()
    )
    try:
        return _wait(running, time.monotonic() + seconds, stop)
    except BaseException:
        _kill(running)
        raise


def _wait(running: Running, deadline: float, stop: threading.Event) -> int:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return running.wait(_POLL)
        if stop.is_set():
            raise StoppedError
        if time.monotonic() > deadline:
            raise TimeLimitError


def _kill(running: Running) -> None:
    running.signal(signal.SIGKILL)
    with suppress(UsageError):  # bwrap has no status to report where its first process was killed
        running.wait()
