"""A started sandbox: its process, the signals it gets, the status it ends with."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from types import FrameType
from typing import IO

import msgspec

from lightship.errors import UsageError

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class _Status(msgspec.Struct, rename="kebab"):
    """One document that bwrap writes to `--json-status-fd`."""

    child_pid: int | None = None
    exit_code: int | None = None


class Running:
    """A started sandbox. Signals go to the image's own process, which is PID 1 of its namespace.

    So the kernel passes on only those that it has a handler for, as in any container (pid_namespaces(7)).
    """

    def __init__(
        self, monitor: subprocess.Popen[bytes], status: IO[bytes], stop_signal: int, resources: ExitStack
    ) -> None:
        self._monitor = monitor
        self._status = status
        self._stop_signal = stop_signal
        self._resources = resources
        self._code: int | None = None
        self._pid = _read_pid(status)
        self._handle = _open_handle(self._pid)

    @property
    def pid(self) -> int:
        """The process of the image, as the host numbers it; 0 where the sandbox could not be set up."""
        return self._pid

    @property
    def output(self) -> IO[bytes]:
        """What it writes to its standard output, where that is `subprocess.PIPE`; the caller closes it."""
        return self._monitor.stdout if self._monitor.stdout is not None else BytesIO()

    def alive(self) -> bool:
        return self._monitor.poll() is None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the image's process ends; return its status, 128 + N where signal N ended it.

        Raises:
            UsageError: the sandbox could not be set up; bwrap wrote why to the standard error stream.
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.

        """
        if self._code is None:
            code = self._monitor.wait(timeout)
            started = _ended_by_itself(self._status)
            self._release()
            if not started and code >= 0:
                raise UsageError(
                    "the sandbox could not be set up", where="bwrap", hint="see what bwrap wrote above"
                )
            self._code = code if code >= 0 else 128 - code
        return self._code

    def signal(self, number: int) -> None:
        """Send a signal; to a process that has ended it means nothing."""
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def stop(self, timeout: float = 10.0) -> int:
        """Ask it to end with the image's stop signal, after `timeout` seconds end it; return its status."""
        self.signal(self._stop_signal)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            return self.wait()

    def supervise(self) -> int:
        """Wait, passing on the signals that this process gets meanwhile; for the main thread only."""
        with _passing_on(self):
            return self.wait()

    def _release(self) -> None:
        self._status.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._resources.close()


def launch(
    command: Sequence[str],
    *,
    stop_signal: str,
    stdout: int | IO[bytes] | None,
    stderr: int | IO[bytes] | None,
    resources: ExitStack,
) -> Running:
    """Start bwrap, whose arguments begin after `command[0]`; `resources` are closed when it has ended.

    Options go through a file that only bwrap sees: they hold the variables, and so secrets, and anyone may
    read a process's command line.
    """
    end = command.index("--")
    options = _memory_file("\0".join(command[1:end]).encode())
    reading, writing = os.pipe()
    status = os.fdopen(reading, "rb")
    try:
        monitor = subprocess.Popen(
            [command[0], "--json-status-fd", str(writing), "--args", str(options), *command[end:]],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(writing, options),
            env={},
            # A terminal's Ctrl-C would else reach bwrap itself, and so kill the service without a warning.
            start_new_session=True,
            preexec_fn=_heed_interrupts if _are_interrupts_ignored() else None,  # noqa: PLW1509
        )
    except BaseException:
        status.close()
        resources.close()
        raise
    finally:
        os.close(writing)
        os.close(options)
    return Running(monitor, status, parse_signal(stop_signal), resources)


def _are_interrupts_ignored() -> bool:
    """Whether this process was started so: as shells without job control start what ends in `&`."""
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def _heed_interrupts() -> None:
    """Give the service SIGINT as containers have it: what is ignored would be ignored by all children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _memory_file(data: bytes) -> int:
    descriptor = os.memfd_create("bwrap-options")
    with os.fdopen(os.dup(descriptor), "wb") as stream:
        stream.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def parse_signal(text: str) -> int:
    """Read `SIGTERM`, `TERM` or `15`; the empty text is SIGTERM (OCI image spec, config.md, `StopSignal`).

    Raises:
        UsageError: there is no such signal.

    """
    name = text.upper().removeprefix("SIG")
    known = {item.name.removeprefix("SIG"): int(item) for item in signal.Signals} | {"": int(signal.SIGTERM)}
    known |= {str(number): number for number in signal.valid_signals()}
    if name not in known:
        raise UsageError(f"there is no signal {text!r}", where="StopSignal")
    return known[name]


def _read_pid(status: IO[bytes]) -> int:
    line = status.readline()
    return (msgspec.json.decode(line, type=_Status).child_pid or 0) if line else 0


def _ended_by_itself(status: IO[bytes]) -> bool:
    """Tell whether the image's program was run: only then bwrap reports an exit code."""
    documents = (msgspec.json.decode(line, type=_Status) for line in status)
    return any(document.exit_code is not None for document in documents)


def _open_handle(pid: int) -> int | None:
    """A handle cannot come to mean another process, as a number can (pidfd_open(2))."""
    try:
        return os.pidfd_open(pid) if pid else None
    except ProcessLookupError:
        return None


@contextmanager
def _passing_on(running: Running) -> Iterator[None]:
    def handler(number: int, _: FrameType | None) -> None:
        running.signal(number)

    before = {number: signal.signal(number, handler) for number in FORWARDED}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
