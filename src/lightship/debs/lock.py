"""From package names to locked packages: the closure of a suite, by a signed index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource
from lightship.events import Reporter
from lightship.net.transport import Transport
from lightship.platform import Platform

Clock = Callable[[], datetime]


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
    """Resolve packages and everything they need, sorted by name."""
    raise NotImplementedError


def python_packages(version: str) -> tuple[str, ...]:
    """Root packages of a base with this Python, such as `3.11`."""
    raise NotImplementedError


def python_full_version(debs: Sequence[LockedDeb]) -> str:
    """Version of the Python among the packages, such as `3.11.2`."""
    raise NotImplementedError


def glibc_version(debs: Sequence[LockedDeb]) -> tuple[int, int]:
    """Version of the C library among the packages, such as `(2, 36)`."""
    raise NotImplementedError
