"""A request, read and checked, and its answer by uv with the first source of PyTorch that gives one."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.markers import Environment

from lightship.errors import ResolutionError
from lightship.events import Reporter
from lightship.fs.atomic import write_bytes
from lightship.net.pipconf import PipConfig, uv_environment
from lightship.wheels import toml
from lightship.wheels.compile import Compiler
from lightship.wheels.complaint import UnsatisfiableError
from lightship.wheels.linkpage import link_page
from lightship.wheels.request import ResolveRequest, request_lines
from lightship.wheels.requirements import RequirementLine
from lightship.wheels.select import target_environment, target_tags
from lightship.wheels.sources import usable
from lightship.wheels.torch import TorchQuery, TorchSource, check_pins, is_cuda
from lightship.wheels.uv import Uv, find_uv, uv_variables
from lightship.wheels.why import chain


@dataclass(frozen=True, slots=True)
class Question:
    """What uv is asked: a request, its lines, and pip's configuration as far as it can be used.

    `digests` are those, SHA-256 in hexadecimal, of files in `find-links` folders that are known.
    """

    request: ResolveRequest
    lines: Sequence[RequirementLine]
    pip: PipConfig
    uv: Uv
    reporter: Reporter
    digests: Mapping[Path, str] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        """Marker variables of the target."""
        return target_environment(self.request.platform, self.request.python)

    @property
    def torch(self) -> TorchQuery:
        """Which build of PyTorch is wanted."""
        request = self.request
        tags = target_tags(request.platform, request.python, request.glibc)
        return TorchQuery(request.torch, tags, self.environment, self.lines)

    def answer(self, sources: Iterable[TorchSource]) -> str:
        """Give the resolution with the first source of PyTorch that gives one, as PEP 751 text.

        Raises:
            ResolutionError: the first source's error, where none gives a resolution.
            UsageError: a requirement that cannot be read.

        """
        with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
            pip = replace(self.pip, find_links=tuple(self._links(Path(scratch))))
            compiler = Compiler(self.request, self.lines, pip, self.uv, Path(scratch), self.reporter)
            return _first(compiler, sources)

    def _links(self, scratch: Path) -> Iterator[str]:
        """Put pages for folders, where they tell uv something."""
        folders = {path.parent for path in self.digests}
        for number, link in enumerate(self.pip.find_links):
            folder = Path(link).absolute()
            if folder in folders:
                page = scratch / f"links-{number}.html"
                write_bytes(page, link_page(folder, self.digests).encode())
                yield str(page)
            else:
                yield link


def ask(
    request: ResolveRequest,
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None,
    reporter: Reporter,
) -> Question:
    """Read and check a request; `uv` is the binary to run, by default the one installed with Lightship.

    Raises:
        UsageError: a requirement cannot be read, or would bring CUDA into a CPU variant.

    """
    lines = request_lines(request)
    check_pins(lines, tag=request.torch, environment=target_environment(request.platform, request.python))
    pip = usable(pip, folder=request.folder, environ=environ, reporter=reporter)
    program = Uv(uv or find_uv(), uv_variables(environ, uv_environment(pip)), request.folder)
    return Question(request, lines, pip, program, reporter)


def _first(compiler: Compiler, sources: Iterable[TorchSource]) -> str:
    failure: ResolutionError | None = None
    for source in sources:
        try:
            text = compiler.pylock(source)
        except ResolutionError as error:
            failure = failure or error
            if not isinstance(error, UnsatisfiableError):
                break
        else:
            return _finish(text, compiler, source)
    raise failure or ResolutionError("there is nothing to resolve", hint="name a requirement")


def _finish(text: str, compiler: Compiler, source: TorchSource) -> str:
    document = tomllib.loads(text)
    names = sorted({package["name"] for package in document.get("packages", ())})
    wanted = compiler.request.torch
    unwanted = {"none": lambda name: name == "torch", "cpu": is_cuda}.get(wanted)
    strays = [name for name in names if unwanted and unwanted(name)]
    if strays:
        annotated = compiler.annotated(source)
        for name in strays:
            brought = " → ".join(chain(annotated, name))
            compiler.reporter.warn(f"{name} is in the lock of a variant with torch = {wanted!r}: {brought}")
    return _without_paths(document, compiler.scratch, compiler.request.folder)


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
