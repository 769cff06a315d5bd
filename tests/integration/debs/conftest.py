"""Bases made of real packages, from the mirror that this machine's apt uses."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from lightship.debs.base import base_entries
from lightship.debs.fetch import fetch_debs
from lightship.debs.lock import python_packages, resolve_debs
from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource, find_sources
from lightship.debs.trim import RULES, base_trimmer
from lightship.errors import NetworkError, UsageError
from lightship.events import SilentReporter
from lightship.fs.entries import Entry, Kind
from lightship.net.http import HttpTransport
from lightship.platform import Platform

SAFE = base_trimmer(tuple(rule.name for rule in RULES))


@dataclass(frozen=True)
class Base:
    """A base, resolved, fetched and written out."""

    suite: str
    python: str
    platform: Platform
    sources: tuple[DebianSource, ...]
    debs: dict[LockedDeb, Path]
    root: Path

    def entries(self) -> Iterator[Entry]:
        return base_entries(list(self.debs.items()), platform=self.platform, trimmed_by=SAFE)


Resolve = Callable[[str, str, Sequence[str]], tuple[tuple[DebianSource, ...], tuple[LockedDeb, ...]]]


@pytest.fixture(scope="session")
def transport() -> Iterator[HttpTransport]:
    with HttpTransport() as transport:
        yield transport


@pytest.fixture(scope="session")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("indexes")


@pytest.fixture(scope="session")
def resolve(transport: HttpTransport, indexes: Path) -> Resolve:
    def run(
        suite: str, architecture: str, names: Sequence[str]
    ) -> tuple[tuple[DebianSource, ...], tuple[LockedDeb, ...]]:
        try:
            sources = find_sources(suite, configured=None)
            debs = resolve_debs(
                names,
                suite=suite,
                platform=Platform(architecture),
                sources=sources,
                transport=transport,
                cache=indexes,
                clock=lambda: datetime.now(UTC),
                reporter=SilentReporter(),
            )
        except (UsageError, NetworkError) as error:
            pytest.skip(f"no Debian {suite} on this machine: {error}")
        return sources, debs

    return run


@pytest.fixture(scope="session")
def make_base(
    resolve: Resolve, transport: HttpTransport, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str, str], Base]:
    if os.geteuid() != 0:
        pytest.skip("owners can only be set by root")

    @cache
    def make(suite: str, architecture: str, python: str) -> Base:
        folder = tmp_path_factory.mktemp(f"{suite}-{architecture}")
        sources, locked = resolve(suite, architecture, python_packages(python))
        debs = fetch_debs(
            locked,
            sources=sources,
            transport=transport,
            archives=folder / "archives",
            reporter=SilentReporter(),
        )
        base = Base(suite, python, Platform(architecture), sources, debs, folder / "root")
        write_tree(base.entries(), base.root)
        return base

    return make


BASES = [
    (suite, architecture, python)
    for suite, python in (("bookworm", "3.11"), ("trixie", "3.13"))
    for architecture in ("amd64", "arm64")
]


@pytest.fixture(scope="session", params=BASES, ids=lambda param: "-".join(param[:2]))
def base(request: pytest.FixtureRequest, make_base: Callable[[str, str, str], Base]) -> Base:
    return make_base(*request.param)


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def native_base(request: pytest.FixtureRequest, make_base: Callable[[str, str, str], Base]) -> Base:
    """A base whose programs this machine can run."""
    return next(
        make_base(*base)
        for base in BASES
        if base[0] == request.param and Platform(base[1]).machine == platform.machine()
    )


def write_tree(entries: Iterator[Entry], root: Path) -> None:
    root.mkdir()
    for entry in entries:
        path = root / entry.path
        if entry.kind is Kind.DIRECTORY:
            path.mkdir()
        elif entry.kind is Kind.SYMLINK:
            path.symlink_to(entry.target)
        elif entry.kind is Kind.HARDLINK:
            path.hardlink_to(root / entry.target)
        elif entry.content is not None:
            with path.open("xb") as stream:
                stream.writelines(entry.content.chunks())
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        if entry.kind is not Kind.SYMLINK:
            path.chmod(entry.mode)
