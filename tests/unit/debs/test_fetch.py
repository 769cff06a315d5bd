from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from lightship.debs.fetch import fetch_debs
from lightship.debs.model import LockedDeb
from lightship.debs.sources import DebianSource
from lightship.errors import IntegrityError, LightshipError, NetworkError, UsageError
from lightship.events import SilentReporter
from lightship.net.http import HttpTransport
from lightship.net.transport import Transport

DATA = b"a package" * 1000


@pytest.fixture
def mirror(tmp_path: Path) -> DebianSource:
    (tmp_path / "mirror/pool").mkdir(parents=True)
    (tmp_path / "mirror/pool/demo.deb").write_bytes(DATA)
    return DebianSource("main", (tmp_path / "mirror").as_uri(), "bookworm", ("main",))


@pytest.fixture
def demo() -> LockedDeb:
    return LockedDeb("demo", "1", "all", "pool/demo.deb", len(DATA), hashlib.sha256(DATA).hexdigest())


class Counting:
    """A transport that counts what is asked of it."""

    def __init__(self, inner: Transport) -> None:
        self.inner, self.asked = inner, 0

    def stream(
        self, url: str, *, start: int = 0, end: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        self.asked += 1
        return self.inner.stream(url, start=start, end=end)


def fetch(
    deb: LockedDeb, source: DebianSource, transport: Transport, archives: Path, *, offline: bool = False
) -> Path:
    sources = [source]
    return fetch_debs(
        [deb],
        sources=sources,
        transport=transport,
        archives=archives,
        reporter=SilentReporter(),
        offline=offline,
    )[deb]


def test_a_package_is_kept_under_its_digest_and_fetched_once(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    counting = Counting(transport)
    for offline in (False, False, True):
        path = fetch(demo, mirror, counting, tmp_path / "archives", offline=offline)
        assert path == tmp_path / "archives/sha256" / demo.sha256
        assert path.read_bytes() == DATA
    assert counting.asked == 1


def test_a_kept_file_of_another_size_is_fetched_again(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    path = fetch(demo, mirror, transport, tmp_path)
    path.write_bytes(b"torn")
    assert fetch(demo, mirror, transport, tmp_path).read_bytes() == DATA


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", DATA[:-1] + b"x"], ids=["short", "long", "other"])
def test_another_package_is_refused_and_nothing_is_kept(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "mirror/pool/demo.deb").write_bytes(data)
    with pytest.raises(IntegrityError, match="demo 1") as caught:
        fetch(demo, mirror, transport, tmp_path / "archives")
    assert mirror.mirror in caught.value.where
    assert not [path for path in (tmp_path / "archives").rglob("*") if path.is_file()]


def test_a_missing_package_names_package_and_mirror(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    (tmp_path / "mirror/pool/demo.deb").unlink()
    with pytest.raises(NetworkError, match="demo 1") as caught:
        fetch(demo, mirror, transport, tmp_path)
    assert caught.value.where == mirror.label


def test_offline_names_everything_that_is_missing(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    with pytest.raises(NetworkError, match="demo 1"):
        fetch(demo, mirror, transport, tmp_path, offline=True)


def test_each_package_comes_from_its_own_archive(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    security = replace(mirror, archive="security")
    assert fetch(changed(demo, archive="security"), security, transport, tmp_path).read_bytes() == DATA
    other = changed(demo, archive="updates", sha256="1" * 64)
    with pytest.raises(UsageError, match="updates archive"):
        fetch(other, security, transport, tmp_path)


def test_a_digest_that_is_a_path_is_refused(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    with pytest.raises(LightshipError):
        fetch(changed(demo, sha256="../../etc/passwd"), mirror, transport, tmp_path)


def test_one_failure_ends_the_whole_fetch(
    mirror: DebianSource, demo: LockedDeb, transport: HttpTransport, tmp_path: Path
) -> None:
    missing = [changed(demo, name=f"gone{i}", path=f"pool/{i}", sha256=f"{i}" * 64) for i in range(5)]
    with pytest.raises(NetworkError, match="gone0"):
        fetch_debs(
            [*missing, demo],
            sources=[mirror],
            transport=transport,
            archives=tmp_path / "archives",
            reporter=SilentReporter(),
            workers=2,
        )
