"""Requirements to a PEP 751 lock, through uv, whatever Python runs Lightship."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightship.errors import ResolutionError
from lightship.events import Reporter
from lightship.fs.atomic import write_bytes
from lightship.net.pipconf import PipConfig, uv_environment
from lightship.net.transport import Transport
from lightship.platform import Platform
from lightship.wheels import toml
from lightship.wheels.compile import Compiler
from lightship.wheels.complaint import UnsatisfiableError
from lightship.wheels.merge import merge_pylocks
from lightship.wheels.request import ResolveRequest, request_lines
from lightship.wheels.select import target_environment, target_tags
from lightship.wheels.sources import lookup_transport, torch_places, usable
from lightship.wheels.torch import TorchQuery, TorchSource, check_pins, is_cuda, torch_sources
from lightship.wheels.uv import Uv, find_uv, uv_variables
from lightship.wheels.why import chain

__all__ = ["ResolveRequest", "resolve", "resolve_each", "resolve_platforms"]


def resolve_platforms(
    requests: Sequence[ResolveRequest],
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
) -> str:
    """Resolve one request per platform into one PEP 751 text; later ones keep the first one's versions.

    Raises:
        ResolutionError, UsageError: as `resolve`.

    """
    return merge_pylocks(resolve_each(requests, pip=pip, environ=environ, uv=uv, reporter=reporter))


def resolve_each(
    requests: Sequence[ResolveRequest],
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
) -> dict[Platform, str]:
    """As `resolve_platforms`, with the PEP 751 text of each platform by itself."""
    texts: dict[Platform, str] = {}
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        preferred = Path(scratch, "pylock.toml")
        for request in requests:
            asked = replace(request, lock=preferred, upgrade=False) if texts else request
            texts[request.platform] = resolve(asked, pip=pip, environ=environ, uv=uv, reporter=reporter)
            if len(texts) == 1:
                write_bytes(preferred, texts[request.platform].encode())
    return texts


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
    environment = target_environment(request.platform, request.python)
    check_pins(lines, tag=request.torch, environment=environment)
    pip = usable(pip, folder=request.folder, environ=environ, reporter=reporter)
    program = Uv(uv or find_uv(), uv_variables(environ, uv_environment(pip)), request.folder)
    tags = target_tags(request.platform, request.python, request.glibc)
    links, indexes = torch_places(request, lines, pip)
    sources = torch_sources(
        TorchQuery(request.torch, tags, environment, lines),
        links=links,
        indexes=indexes,
        transport=transport or lookup_transport(pip, environ),
    )
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        compiler = Compiler(request, lines, pip, program, Path(scratch), reporter)
        with reporter.task(f"resolving for {request.platform}", unit="packages"):
            return _first(compiler, sources)


def _first(compiler: Compiler, sources: Iterable[TorchSource]) -> str:
    """The resolution with the first source of PyTorch that gives one, else the first one's error."""
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
