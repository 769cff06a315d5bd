"""Requirements to a PEP 751 lock, through uv, whatever Python runs Lightship."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lightship.events import Reporter
from lightship.fs.atomic import write_bytes
from lightship.net.pipconf import PipConfig
from lightship.net.transport import Transport
from lightship.platform import Platform
from lightship.wheels.merge import merge_pylocks
from lightship.wheels.preferences import preferred
from lightship.wheels.question import ask
from lightship.wheels.relock import DigestOf, relock
from lightship.wheels.request import ResolveRequest
from lightship.wheels.sources import lookup_transport, torch_places
from lightship.wheels.torch import torch_sources

__all__ = ["ResolveRequest", "resolve", "resolve_each", "resolve_platforms"]


def resolve_platforms(
    requests: Sequence[ResolveRequest],
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
    digest_of: DigestOf | None = None,
) -> str:
    """Resolve one request per platform into one PEP 751 text; later ones keep the first one's versions.

    Raises:
        ResolutionError, UsageError: as `resolve`.

    """
    texts = resolve_each(requests, pip=pip, environ=environ, uv=uv, reporter=reporter, digest_of=digest_of)
    return merge_pylocks(texts)


def resolve_each(
    requests: Sequence[ResolveRequest],
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
    digest_of: DigestOf | None = None,
) -> dict[Platform, str]:
    """As `resolve_platforms`, with the PEP 751 text of each platform by itself.

    Of what their lock has and what still fits, no index is asked (`relock`); `digest_of` knows files that
    are locked where they lie on this machine.
    """
    kept = relock(requests, pip=pip, environ=environ, uv=uv, reporter=reporter, digest_of=digest_of)
    if kept is not None:
        return kept
    texts: dict[Platform, str] = {}
    with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
        first = Path(scratch, "pylock.toml")
        for request in requests:
            asked = replace(request, lock=first, upgrade=False) if texts else request
            text = resolve(asked, pip=pip, environ=environ, uv=uv, reporter=reporter)
            if not texts:
                write_bytes(first, preferred(text, None if request.upgrade else request.lock).encode())
            texts[request.platform] = text
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
    question = ask(request, pip=pip, environ=environ, uv=uv, reporter=reporter)
    links, indexes = torch_places(request, question.lines, question.pip)
    sources = torch_sources(
        question.torch,
        links=links,
        indexes=indexes,
        transport=transport or lookup_transport(question.pip, environ),
    )
    with reporter.task(f"resolving for {request.platform}", unit="packages"):
        return question.answer(sources)
