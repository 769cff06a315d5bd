"""Requirements to a PEP 751 lock, through uv, whatever Python runs Lightship."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lightship.errors import ResolutionError
from lightship.events import Reporter
from lightship.fs.atomic import write_bytes
from lightship.net.pipconf import PipConfig, uv_arguments, uv_environment
from lightship.net.redact import redact_text
from lightship.net.transport import Transport
from lightship.platform import Platform
from lightship.wheels import toml
from lightship.wheels.complaint import Complaint, UnsatisfiableError
from lightship.wheels.merge import merge_pylocks
from lightship.wheels.request import ResolveRequest, request_lines
from lightship.wheels.requirements import RequirementLine
from lightship.wheels.select import target_environment, target_tags
from lightship.wheels.sources import lookup_transport, searched, torch_places, usable
from lightship.wheels.torch import TorchQuery, TorchSource, check_pins, is_cuda, torch_sources
from lightship.wheels.uv import Uv, find_uv, uv_variables
from lightship.wheels.why import chain

__all__ = ["ResolveRequest", "resolve", "resolve_platforms"]

_PYLOCK = "pylock.toml"


def resolve_platforms(
    request: ResolveRequest,
    platforms: Sequence[Platform],
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
) -> str:
    """Resolve for several platforms into one PEP 751 text; later ones keep the first one's versions.

    Raises:
        ResolutionError, UsageError: as `resolve`.

    """
    texts: dict[Platform, str] = {}
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        preferred = Path(scratch, _PYLOCK)
        for platform in platforms:
            asked = replace(request, platform=platform)
            if texts:
                asked = replace(asked, lock=preferred, upgrade=False)
            texts[platform] = resolve(asked, pip=pip, environ=environ, uv=uv, reporter=reporter)
            if len(texts) == 1:
                write_bytes(preferred, texts[platform].encode())
    return merge_pylocks(texts)


def resolve(
    request: ResolveRequest,
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
    transport: Transport | None = None,
) -> str:
    """Resolve for one platform and give the PEP 751 text. No interpreter of the target's version is needed.

    `uv` is the binary to run, by default the one installed with Lightship; `transport` reads the pages on
    which a build of PyTorch is looked for.

    Raises:
        ResolutionError: nothing fits, an index cannot be read, or a source distribution does not build; says
            which requirement, which index and what to try.
        UsageError: a requirement cannot be read, or would bring CUDA into a CPU variant.

    """
    lines = request_lines(request)
    check_pins(lines, tag=request.torch, environment=target_environment(request.platform, request.python))
    pip = usable(pip, folder=request.folder, environ=environ, reporter=reporter)
    program = Uv(uv or find_uv(), uv_variables(environ, uv_environment(pip)), request.folder)
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        job = _Job(request, lines, pip, program, Path(scratch), reporter)
        query = TorchQuery(
            request.torch,
            target_tags(request.platform, request.python, request.glibc),
            target_environment(request.platform, request.python),
            lines,
        )
        links, indexes = torch_places(request, lines, pip)
        pages = transport or lookup_transport(pip, environ)
        with reporter.task(f"resolving for {request.platform}", unit="packages"):
            return job.first(torch_sources(query, links=links, indexes=indexes, transport=pages))


@dataclass(frozen=True, slots=True)
class _Job:
    request: ResolveRequest
    lines: Sequence[RequirementLine]
    pip: PipConfig
    uv: Uv
    scratch: Path
    reporter: Reporter

    def first(self, sources: Iterable[TorchSource]) -> str:
        """The resolution with the first source of PyTorch that gives one, else the first one's error."""
        failure: ResolutionError | None = None
        for source in sources:
            try:
                text = self.compile(source, "--format", _PYLOCK, "-o", str(self._output()))
            except ResolutionError as error:
                failure = failure or error
                if not isinstance(error, UnsatisfiableError):
                    break
            else:
                return self._finish(text, source)
        raise failure or ResolutionError("there is nothing to resolve", hint="name a requirement")

    def compile(self, source: TorchSource, *output: str) -> str:
        """Run `uv pip compile` and give what it writes.

        Raises:
            ResolutionError, UsageError: what uv complains of.

        """
        done = self.uv.run([*self._arguments(source), *output])
        if done.returncode:
            pins = [
                RequirementLine(text, Path(source.where), 0, is_constraint=True)
                for text in source.constraints
            ]
            places = [*searched(self.lines, self.pip), *([source.where] if source.arguments else [])]
            raise Complaint(done.stderr, [*self.lines, *pins], self._target(), places).error()
        self._pass_on(done.stderr)
        return done.stdout

    def _arguments(self, source: TorchSource) -> list[str]:
        request = self.request
        arguments = ["pip", "compile", *self._inputs(source.constraints), *uv_arguments(self.pip)]
        arguments += ["--python-platform", request.platform.uv_platform(request.glibc)]
        arguments += ["--python-version", request.python, "--no-python-downloads"]
        arguments += ["--no-header", "--color", "never", *source.arguments]
        arguments += ["--offline"] if request.offline else []
        return [*arguments, *(["--upgrade"] if request.upgrade else [])]

    def _inputs(self, constraints: Sequence[str]) -> list[str]:
        request = self.request
        inputs = [str(path) for path in request.requirements]
        if request.inline:
            inputs.append(self._note("inline.txt", request.inline))
        if request.pyproject:
            inputs.append(str(request.pyproject))
        for extra in request.extras:
            inputs += ["--extra", extra]
        for group in request.groups:
            inputs += ["--group", group]
        for path in request.constraints:
            inputs += ["--constraints", str(path)]
        return [*inputs, *(["--constraints", self._note("torch.txt", constraints)] if constraints else [])]

    def _output(self) -> Path:
        """Where uv writes the lock; it keeps the versions that it finds there."""
        path = self.scratch / _PYLOCK
        lock = self.request.lock
        if lock is not None and not self.request.upgrade and not path.exists() and lock.exists():
            write_bytes(path, lock.read_bytes())
        return path

    def _target(self) -> str:
        return f"{self.request.platform} and Python {self.request.python}"

    def _note(self, name: str, lines: Iterable[str]) -> str:
        path = self.scratch / name
        write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
        return str(path)

    def _pass_on(self, stderr: str) -> None:
        for line in stderr.splitlines():
            # Only source distributions would care which interpreter builds them.
            if line.startswith("warning:") and "requested Python version" not in line:
                self.reporter.warn(redact_text(line.removeprefix("warning:").strip()))

    def _finish(self, text: str, source: TorchSource) -> str:
        document = tomllib.loads(text)
        names = sorted({package["name"] for package in document.get("packages", ())})
        unwanted = [name for name in names if self._is_unwanted(name)]
        if unwanted:
            self._warn(unwanted, self.compile(source, "--annotation-style", "line"))
        return _without_paths(document, self.scratch, self.request.folder)

    def _is_unwanted(self, name: str) -> bool:
        return (
            name == "torch" if self.request.torch == "none" else self.request.torch == "cpu" and is_cuda(name)
        )

    def _warn(self, names: list[str], annotated: str) -> None:
        for name in names:
            brought = " → ".join(chain(annotated, name))
            self.reporter.warn(
                f"{name} is in the lock of a variant with torch = {self.request.torch!r}: {brought}"
            )


def _without_paths(document: dict[str, Any], scratch: Path, folder: Path) -> str:
    """The lock as text; paths, which uv writes relative to its output, become URLs."""
    for package in document.get("packages", ()):
        for file in [
            *package.get("wheels", ()),
            *filter(None, [package.get("archive"), package.get("sdist")]),
        ]:
            if "path" in file:
                path = Path(os.path.normpath(scratch / file.pop("path")))
                file["url"] = path.as_uri()
        if "directory" in package:
            path = os.path.normpath(scratch / package["directory"]["path"])
            package["directory"]["path"] = os.path.relpath(path, folder)
    return toml.document(document)
