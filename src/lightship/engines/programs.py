"""Starting the machine's programs: what they print is asked for, or passed on as it comes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

_TAIL = 4000


class Answer(Struct, frozen=True):
    """How a program ended, and what it printed."""

    code: int
    out: str = ""
    err: str = ""


class Programs(Protocol):
    """What starts programs; tests record instead."""

    def has(self, program: str) -> bool:
        """Tell whether a program is installed."""

    def ask(self, *command: str) -> Answer:
        """Run a program for what it prints."""

    def show(self, *command: str, environ: Mapping[str, str]) -> Answer:
        """Run a program for long work; a person sees what it prints, as it comes.

        `environ` are variables on top of the machine's. The end of what was not shown is in the answer.
        """


@dataclass(frozen=True, slots=True)
class MachinePrograms:
    """Programs on this machine; `progress` is the file descriptor that long work is shown on, if any."""

    environ: Mapping[str, str] = field(repr=False)
    progress: int | None = None

    def has(self, program: str) -> bool:
        return shutil.which(program, path=self.environ.get("PATH")) is not None

    def ask(self, *command: str) -> Answer:
        done = subprocess.run(
            self._words(command),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def show(self, *command: str, environ: Mapping[str, str]) -> Answer:
        variables = {**self.environ, **environ}
        if self.progress is not None:
            return Answer(self._run(command, variables, self.progress))
        with tempfile.TemporaryFile() as said:
            code = self._run(command, variables, said.fileno())
            said.seek(max(0, said.tell() - _TAIL))
            return Answer(code, err=said.read().decode(errors="replace"))

    def _run(self, command: tuple[str, ...], environ: Mapping[str, str], out: int) -> int:
        words = self._words(command)
        return subprocess.run(
            words, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode

    def _words(self, command: tuple[str, ...]) -> list[str]:
        """Look the program up where `has` does: in the PATH that was passed in, not in this process's."""
        return [shutil.which(command[0], path=self.environ.get("PATH")) or command[0], *command[1:]]
