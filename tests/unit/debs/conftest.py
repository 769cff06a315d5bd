from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightship.debs.sources import DebianSource
from lightship.debs.store import Clock, IndexStore
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from tests.unit.debs.forge import Keys, Repository

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys() -> Iterator[Keys]:
    # Not in tmp_path: the agent's socket has to have a short path.
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as home:
        keys = Keys(Path(home))
        keys.generate()
        yield keys
        keys.stop_agent()


@pytest.fixture
def repository(tmp_path: Path, keys: Keys) -> Repository:
    return Repository(tmp_path / "mirror", keys)


@pytest.fixture
def source(repository: Repository) -> DebianSource:
    return DebianSource("main", repository.root.as_uri(), "bookworm", ("main",), repository.keys.keyring)


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    with HttpTransport() as transport:
        yield transport


@pytest.fixture
def clock() -> Clock:
    return lambda: NOON


@pytest.fixture
def store(tmp_path: Path, transport: HttpTransport, clock: Clock) -> IndexStore:
    return IndexStore(transport, tmp_path / "cache", clock, SilentReporter())
