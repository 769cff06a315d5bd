"""A lock made again after a change: indexes are asked about what changed, and about nothing else.

What is locked and still fits stays in any case, so what an index says of it today decides nothing. uv is
asked twice: with the network for the requirements alone that the lock does not meet, then without it for all
of them, out of its cache, in which the first answer now is. The second answer counts if every package in it
is locked just so, file by file, or was chosen just so by the first one. Otherwise, as where the cache lacks a
page or a new requirement moves a locked version that it does not name, indexes are asked about everything.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from lightship.digest import hex_of, parse_digest
from lightship.errors import ResolutionError, UsageError
from lightship.events import Reporter, SilentReporter
from lightship.fs.atomic import write_bytes
from lightship.net.local import local_path
from lightship.net.pipconf import PipConfig
from lightship.platform import Platform
from lightship.wheels.preferences import Contents, contents_of, contents_of_lock, preferred
from lightship.wheels.question import Question, ask
from lightship.wheels.request import ResolveRequest
from lightship.wheels.requirements import INCLUDES, INDEXES, LINKS, RequirementLine
from lightship.wheels.sources import lookup_transport, torch_places
from lightship.wheels.torch import FAMILY, TorchSource, counts, torch_sources
from lightship.wheels.uv import find_uv

DigestOf: TypeAlias = Callable[[Path, os.stat_result], str]
"""Gives the digest of a file, which it may remember under what the file system says of it."""


def relock(
    requests: Sequence[ResolveRequest],
    *,
    pip: PipConfig,
    environ: Mapping[str, str],
    uv: Path | None = None,
    reporter: Reporter,
    digest_of: DigestOf | None = None,
) -> dict[Platform, str] | None:
    """Resolve requests that differ in their platforms alone, as `resolve_each`; None where that takes more.

    Nothing is raised: whoever then asks about everything meets the same mistakes.
    """
    first = requests[0]
    known = {} if first.upgrade or first.offline else contents_of_lock(first.lock)
    if not known:
        return None
    kept = _Kept()
    names = ", ".join(str(request.platform) for request in requests)
    with (
        reporter.task(f"resolving what changed for {names}", unit="packages"),
        ThreadPoolExecutor(1) as pool,
    ):
        folders = {(first.folder / link).absolute() for link in pip.find_links if "://" not in link}
        digests = pool.submit(_local_digests, known, folders, digest_of)
        asking = _Asking(known, pip, environ, uv or find_uv(), kept, digests)
        try:
            texts = asking.about(requests)
        except (ResolutionError, UsageError):
            return None
    if texts is not None:
        for warning in kept.warnings:
            reporter.warn(warning)
    return texts


def _local_digests(known: Contents, folders: Collection[Path], digest_of: DigestOf | None) -> dict[Path, str]:
    """Give the digests of locked files that lie in some folders and can be read, SHA-256 in hexadecimal."""
    if digest_of is None or not folders:
        return {}
    urls = {url for sources in known.values() for url, _ in sources if url.startswith("file:")}
    paths = {path for url in urls if (path := local_path(url)) and path.parent in folders}
    found = {}
    for path in paths:
        with suppress(OSError):
            found[path] = hex_of(parse_digest(digest_of(path, path.stat())))
    return found


class _Kept(SilentReporter):
    """Keeps warnings until it is known that the answer counts."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks for one lock, of which the contents are `known`."""

    known: Contents
    pip: PipConfig
    environ: Mapping[str, str]
    uv: Path
    reporter: Reporter
    digests: Future[dict[Path, str]]

    def about(self, requests: Sequence[ResolveRequest]) -> dict[Platform, str] | None:
        texts: dict[Platform, str] = {}
        fresh: list[str] = []
        with tempfile.TemporaryDirectory(prefix="lightship-") as scratch:
            preferences = Path(scratch, "pylock.toml")
            for request in requests:
                asked = replace(request, lock=preferences) if texts else request
                question = self._ask(asked, self.reporter)
                if not all(map(_is_plain, question.lines)):
                    return None
                fresh += self._changed(question, Path(scratch))
                texts[request.platform] = self._whole(question)
                if len(texts) == 1:
                    write_bytes(preferences, preferred(texts[request.platform], request.lock).encode())
        return texts if _is_known(contents_of(texts.values()), self.known, contents_of(fresh)) else None

    def _ask(self, request: ResolveRequest, reporter: Reporter) -> Question:
        return ask(request, pip=self.pip, environ=self.environ, uv=self.uv, reporter=reporter)

    def _whole(self, question: Question) -> str:
        """Ask about everything, with what is at hand alone."""
        request = replace(question.request, offline=True)
        whole = replace(question, request=request, digests=self.digests.result())
        return whole.answer(self._sources(question))

    def _changed(self, question: Question, scratch: Path) -> Iterator[str]:
        """Ask indexes about the requirements that the lock does not meet, if there are any."""
        lines = [line for line in question.lines if counts(line, question.environment)]
        names = {line.name for line in lines if line.name and not self._is_met(line)}
        if not names:
            return
        direct = [line for line in lines if line.name in names and not line.is_constraint]
        named = sorted(names.difference(line.name for line in direct))  # only a constraint speaks of these
        requirements, constraints = scratch / "changed.txt", scratch / "constraints.txt"
        _write(requirements, [*_options(lines), *(line.text for line in direct), *named])
        _write(constraints, [line.text for line in lines if line.name and line.is_constraint])
        request = replace(
            question.request,
            requirements=(requirements,),
            constraints=(constraints,),
            inline=(),
            pyproject=None,
            extras=(),
            groups=(),
        )
        yield self._ask(request, SilentReporter()).answer(self._sources(question))

    def _is_met(self, line: RequirementLine) -> bool:
        """Whether a locked version fits; a constraint on what is not locked is met as well."""
        versions = [version for name, version in self.known if name == line.name]
        if not versions or line.requirement is None:
            return line.is_constraint
        return any(line.requirement.specifier.contains(version, prereleases=True) for version in versions)

    def _sources(self, question: Question) -> Iterator[TorchSource]:
        """Look for PyTorch as always, but on no server: its locked build comes before the official one."""
        links, indexes = torch_places(question.request, question.lines, question.pip)
        remote = [place for place in (*links, *indexes) if "://" in place and local_path(place) is None]
        locked = self._locked_torch(question.request.torch)
        for source in torch_sources(
            question.torch,
            links=[link for link in links if link not in remote],
            indexes=[index for index in indexes if index not in remote],
            transport=lookup_transport(question.pip, self.environ),
        ):
            if remote and source.arguments and locked:
                yield TorchSource(constraints=locked)
            yield source

    def _locked_torch(self, tag: str) -> tuple[str, ...]:
        pins = {f"{name}=={version}" for name, version in self.known if name in FAMILY}
        return tuple(sorted(pin for pin in pins if pin.partition("+")[2] == tag))


def _is_plain(line: RequirementLine) -> bool:
    """Whether a line means the same in another file, beside fewer others."""
    if line.requirement is None:
        return "://" not in line.option(INCLUDES) and any(
            line.option(names) for names in (INCLUDES, INDEXES, LINKS)
        )
    return not line.requirement.url


def _options(lines: Iterable[RequirementLine]) -> Iterator[str]:
    for line in lines:
        if index := line.option(INDEXES):
            yield f"{'--extra-index-url' if line.option({'--extra-index-url'}) else '--index-url'} {index}"
        if link := line.option(LINKS):
            yield f"--find-links {link if '://' in link else (line.path.parent / link).absolute()}"


def _is_known(found: Contents, known: Contents, fresh: Contents) -> bool:
    """Whether each package is there as it is locked, or as it was chosen by those who asked an index.

    Files that are not locked may have joined those that are.
    """
    return all(
        fresh.get(package) == files or (package in known and known[package] <= files)
        for package, files in found.items()
    )


def _write(path: Path, lines: Iterable[str]) -> None:
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
