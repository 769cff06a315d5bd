"""One run of `uv pip compile`: what it is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lightship.events import Reporter
from lightship.fs.atomic import write_bytes
from lightship.net.pipconf import PipConfig, uv_arguments
from lightship.net.redact import redact_text
from lightship.wheels.complaint import Complaint
from lightship.wheels.request import ResolveRequest
from lightship.wheels.requirements import RequirementLine
from lightship.wheels.sources import searched
from lightship.wheels.torch import TorchSource
from lightship.wheels.uv import Uv, interpreter

_PYLOCK = "pylock.toml"


@dataclass(frozen=True, slots=True)
class Compiler:
    """Asks uv for one request; `scratch` is an empty folder for what uv reads and writes."""

    request: ResolveRequest
    lines: Sequence[RequirementLine]
    pip: PipConfig
    uv: Uv
    scratch: Path
    reporter: Reporter

    def pylock(self, source: TorchSource) -> str:
        """The PEP 751 text.

        Raises:
            ResolutionError, UsageError: what uv complains of.

        """
        return self._compile(source, "--format", _PYLOCK, "-o", str(self._output()))

    def annotated(self, source: TorchSource) -> str:
        """The same resolution as requirements, each with what wants it.

        Raises:
            ResolutionError, UsageError: what uv complains of.

        """
        return self._compile(source, "--annotation-style", "line")

    def _compile(self, source: TorchSource, *output: str) -> str:
        done = self.uv.run([*self._arguments(source), *output])
        if done.returncode:
            raise self._complaint(done.stderr, source).error()
        for line in done.stderr.splitlines():
            # Only source distributions would care which interpreter builds them.
            if line.startswith("warning:") and "requested Python version" not in line:
                self.reporter.warn(redact_text(line.removeprefix("warning:").strip()))
        return done.stdout

    def _complaint(self, stderr: str, source: TorchSource) -> Complaint:
        place = Path(source.where)
        pins = [RequirementLine(text, place, 0, is_constraint=True) for text in source.constraints]
        places = [*searched(self.lines, self.pip), *([source.where] if source.arguments else [])]
        target = f"{self.request.platform} and Python {self.request.python}"
        return Complaint(stderr, [*self.lines, *pins], target, places)

    def _arguments(self, source: TorchSource) -> list[str]:
        request = self.request
        arguments = ["pip", "compile", *self._inputs(source.constraints), *uv_arguments(self.pip)]
        arguments += ["--python-platform", request.platform.uv_platform(request.glibc)]
        arguments += ["--python-version", request.python, "--no-python-downloads"]
        arguments += interpreter(request.python)
        arguments += ["--no-header", "--color", "never", *source.arguments]
        arguments += ["--offline"] if request.offline else []
        return [*arguments, *(["--upgrade"] if request.upgrade else [])]

    def _inputs(self, constraints: Sequence[str]) -> list[str]:
        request = self.request
        inputs = [str(path) for path in request.requirements]
        if request.inline:
            inputs.append(self._write("inline.txt", request.inline))
        if request.pyproject:
            inputs.append(str(request.pyproject))
        for extra in request.extras:
            inputs += ["--extra", extra]
        for group in request.groups:
            inputs += ["--group", group]
        for path in request.constraints:
            inputs += ["--constraints", str(path)]
        return [*inputs, *(["--constraints", self._write("torch.txt", constraints)] if constraints else [])]

    def _output(self) -> Path:
        """Where uv writes the lock; it keeps the versions that it finds there."""
        path = self.scratch / _PYLOCK
        lock = self.request.lock
        if lock is not None and not self.request.upgrade and lock.exists():
            write_bytes(path, lock.read_bytes())
        return path

    def _write(self, name: str, lines: Iterable[str]) -> str:
        path = self.scratch / name
        write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
        return str(path)
