"""Where Debian packages come from: the configured mirror, else the host's apt sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DebianSource:
    """One signed archive: `archive` is `main`, `updates` or `security`; `mirror` has no trailing slash."""

    archive: str
    mirror: str
    suite: str
    components: tuple[str, ...]
    keyring: Path | None = None


def find_sources(
    suite: str, *, configured: str | None, apt_root: Path = Path("/etc/apt")
) -> tuple[DebianSource, ...]:
    """Find the archives of a suite."""
    raise NotImplementedError
