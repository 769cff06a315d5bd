"""From package names to locked packages: the closure over a suite's signed index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource
from lightship.debs.store import Clock, IndexStore
from lightship.errors import ResolutionError
from lightship.events import Reporter
from lightship.net.transport import Transport
from lightship.platform import Platform

_PYTHON = re.compile(r"python(3\.\d+)-minimal")


def resolve_debs(
    names: Sequence[str],
    *,
    suite: str,
    platform: Platform,
    sources: Sequence[DebianSource],
    transport: Transport,
    cache: Path,
    clock: Clock,
    reporter: Reporter,
    offline: bool = False,
) -> tuple[LockedDeb, ...]:
    """Resolve packages and everything they need, sorted by name.

    Args:
        names: packages to have, such as those of `python_packages`.
        suite: code name, for messages.
        platform: whose packages.
        sources: the archives of the suite; the newest version among them wins.
        transport: reads the mirrors.
        cache: folder for indexes, shared by any number of runs.
        clock: the time with its zone, to tell an expired index.
        reporter: hears of downloads.
        offline: take the indexes of the last run.

    Raises:
        ResolutionError: a package that does not exist or cannot be satisfied.
        IntegrityError: an index whose signature, digest or age is not right.
        NetworkError: a mirror that cannot be read.
        UsageError: gpgv or the keyring is missing.

    """
    from lightship.debs.suite import open_suite

    store = IndexStore(transport, cache, clock, reporter, offline)
    return open_suite(suite, platform=platform, sources=sources, store=store).resolve(names)


def python_packages(version: str) -> tuple[str, ...]:
    """Root packages of a base with this Python, such as `3.11`.

    libc-bin is there for `ldconfig`, by which `ctypes.util.find_library` finds libraries, and for C.UTF-8.
    """
    return (
        "base-files",
        "ca-certificates",
        "libc-bin",
        f"libpython{version}-stdlib",
        "netbase",
        f"python{version}-minimal",
        "tzdata",
    )


def python_full_version(debs: Sequence[LockedDeb]) -> str:
    """Version of the Python among the packages, as Python writes it: `3.11.2`.

    Raises:
        ResolutionError: if there is none.

    """
    for deb in debs:
        if _PYTHON.fullmatch(deb.name):
            return _upstream(deb).replace("~", "")
    raise ResolutionError("the base has no Python", hint="add the packages of `python_packages` to it")


def glibc_version(debs: Sequence[LockedDeb]) -> tuple[int, int]:
    """Version of the C library among the packages: `(2, 36)`.

    Raises:
        ResolutionError: if there is none.

    """
    for deb in debs:
        if deb.name == "libc6":
            major, minor = _upstream(deb).split(".")[:2]
            return int(major), int(minor)
    raise ResolutionError("the base has no C library", hint="no Python runs without the package libc6")


def _upstream(deb: LockedDeb) -> str:
    """The version without epoch and Debian's revision (deb-version(7))."""
    version = deb.version.rpartition(":")[2]
    return version.rpartition("-")[0] or version
