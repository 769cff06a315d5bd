"""Downloads of locked packages, checked as they arrive, kept under their digest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource
from lightship.events import Reporter
from lightship.net.transport import Transport


def fetch_debs(
    debs: Sequence[LockedDeb],
    *,
    sources: Sequence[DebianSource],
    transport: Transport,
    archives: Path,
    reporter: Reporter,
    offline: bool = False,
    workers: int = 4,
) -> dict[LockedDeb, Path]:
    """Fetch packages into `archives/sha256/<hex>`."""
    raise NotImplementedError
