"""A Debian suite for one platform, from texts that a test writes: no signatures, no mirror."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lightship.debs.contents import Contents
from lightship.debs.index import PackageIndex
from lightship.debs.release import Release
from lightship.debs.sources import DebianSource
from lightship.debs.store import IndexStore, PackedIndex
from lightship.debs.suite import Suite
from lightship.digest import of_bytes
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.platform import Platform

SOURCE = DebianSource("main", "https://mirror.example", "bookworm", ("main",))


@dataclass(frozen=True, slots=True)
class WrittenStore(IndexStore):
    """Has the Contents of a test, by architecture; `asked` are those that were looked at."""

    texts: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def contents(self, release: Release, component: str, architecture: str) -> PackedIndex | None:  # noqa: ARG002
        self.asked.append(architecture)
        if architecture not in self.texts:
            return None
        data = gzip.compress(self.texts[architecture].encode(), mtime=0)
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.cache / sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return PackedIndex(path, sha256, ".gz")


def make_suite(
    cache: Path, stanzas: Sequence[str], contents: Mapping[str, str], platform: Platform | None = None
) -> Suite:
    """Make a suite out of stanzas of its Packages, and the Contents of each architecture."""
    platform = platform or Platform("amd64")
    store = WrittenStore(
        HttpTransport(), cache, lambda: datetime(2026, 1, 1, tzinfo=UTC), SilentReporter(), texts=contents
    )
    release = Release(SOURCE, by_hash=True, valid_until="", files={})
    text = "".join(stanzas).encode()
    return Suite(
        "bookworm",
        platform,
        of_bytes(text),
        PackageIndex([("main", text)]),
        Contents(store, release, platform),
    )
