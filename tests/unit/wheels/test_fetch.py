from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightship.digest import hex_of, of_bytes
from lightship.errors import IntegrityError, LightshipError, NetworkError
from lightship.events import SilentReporter, SilentTask, Task
from lightship.net.http import HttpTransport
from lightship.wheels.fetch import fetch_wheels, wheel_path
from lightship.wheels.model import LockedWheel


class Watching(SilentReporter):
    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.tasks = 0

    def task(self, label: str, total: int | None = None, *, unit: str = "B") -> Task:  # noqa: ARG002
        self.total, self.tasks = total or 0, self.tasks + 1
        watching = self

        class Counting(SilentTask):
            def advance(self, amount: int) -> None:
                watching.done += amount

        return Counting()


class Store:
    """A transport over a dict; it remembers the order of what it was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []
        self.at_once = 0
        self._open = 0
        self._lock = threading.Lock()

    @contextmanager
    def stream(self, url: str, *, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        with self._lock:
            self.asked.append(url)
            self._open += 1
            self.at_once = max(self.at_once, self._open)
        try:
            if url not in self.files:
                raise NetworkError("the server answered 404 Not Found", where=url, hint="check")
            data = self.files[url][start:end]
            yield (data[index : index + 10] for index in range(0, len(data), 10))
        finally:
            with self._lock:
                self._open -= 1


def wheel(name: str, data: bytes, *, size: int | None = None, url: str = "") -> LockedWheel:
    filename = f"{name}-1.0-py3-none-any.whl"
    return LockedWheel(
        name,
        "1.0",
        filename,
        url or f"https://h/{filename}",
        hex_of(of_bytes(data)),
        len(data) if size is None else size,
    )


DATA = {name: name.encode() * (index + 1) * 50 for index, name in enumerate(("small", "middle", "large"))}
WHEELS = [wheel(name, data) for name, data in DATA.items()]


def store() -> Store:
    return Store({item.url: DATA[item.name] for item in WHEELS})


def test_wheels_lie_under_their_digest_and_all_bytes_are_told(tmp_path: Path) -> None:
    reporter = Watching()
    paths = fetch_wheels(WHEELS, transport=store(), archives=tmp_path, offline=False, reporter=reporter)
    assert paths == {item: tmp_path / "sha256" / item.sha256 for item in WHEELS}
    assert {item.name: path.read_bytes() for item, path in paths.items()} == DATA
    assert reporter.done == reporter.total == sum(map(len, DATA.values()))


def test_the_biggest_starts_first(tmp_path: Path) -> None:
    transport = store()
    fetch_wheels(
        WHEELS, transport=transport, archives=tmp_path, offline=False, reporter=SilentReporter(), workers=1
    )
    assert transport.asked == [
        f"https://h/{name}-1.0-py3-none-any.whl" for name in ("large", "middle", "small")
    ]
    assert transport.at_once == 1


def test_what_is_in_the_cache_is_not_asked_for_and_makes_no_progress_line(tmp_path: Path) -> None:
    fetch_wheels(WHEELS, transport=store(), archives=tmp_path, offline=False, reporter=SilentReporter())
    transport, reporter = store(), Watching()
    fetch_wheels(WHEELS, transport=transport, archives=tmp_path, offline=True, reporter=reporter)
    assert (transport.asked, reporter.tasks) == ([], 0)


def test_a_file_of_another_size_is_fetched_again(tmp_path: Path) -> None:
    path = wheel_path(tmp_path, WHEELS[0])
    path.parent.mkdir()
    path.write_bytes(b"half")
    fetch_wheels(WHEELS[:1], transport=store(), archives=tmp_path, offline=False, reporter=SilentReporter())
    assert path.read_bytes() == DATA["small"]


def test_one_digest_is_fetched_once(tmp_path: Path) -> None:
    twin = LockedWheel("twin", "1.0", "twin-1.0-py3-none-any.whl", WHEELS[0].url, WHEELS[0].sha256)
    transport = store()
    paths = fetch_wheels(
        [WHEELS[0], twin], transport=transport, archives=tmp_path, offline=False, reporter=SilentReporter()
    )
    assert len(transport.asked) == 1
    assert paths[twin] == paths[WHEELS[0]]


def test_a_local_wheel_is_copied_verified_and_read_offline_too(tmp_path: Path) -> None:
    source = tmp_path / "own+cpu.whl"
    source.write_bytes(b"wheel")
    own = wheel("own", b"wheel", size=0, url=source.as_uri())
    reporter = Watching()
    paths = fetch_wheels(
        [own], transport=HttpTransport(), archives=tmp_path / "c", offline=True, reporter=reporter
    )
    assert reporter.total == 5
    source.write_bytes(b"other")
    assert paths[own].read_bytes() == b"wheel"


def failing(tmp_path: Path, transport: Store, *, offline: bool = False) -> LightshipError:
    with pytest.raises(LightshipError) as raised:
        fetch_wheels(
            WHEELS, transport=transport, archives=tmp_path, offline=offline, reporter=SilentReporter()
        )
    return raised.value


def test_offline_names_what_the_cache_lacks(tmp_path: Path) -> None:
    transport = store()
    error = failing(tmp_path, transport, offline=True)
    assert (error.exit_code, transport.asked) == (4, [])
    assert "3 of the locked wheels" in error.message
    assert "small-1.0-py3-none-any.whl" in error.detail


def test_a_wheel_that_was_changed_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    transport = store()
    transport.files[WHEELS[1].url] = b"x" * len(DATA["middle"])
    error = failing(tmp_path, transport)
    assert isinstance(error, IntegrityError)
    assert error.message.startswith("middle-1.0-py3-none-any.whl: the file has SHA-256")
    assert not wheel_path(tmp_path, WHEELS[1]).exists()
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_wheel_that_is_gone_is_named(tmp_path: Path) -> None:
    transport = store()
    del transport.files[WHEELS[2].url]
    error = failing(tmp_path, transport)
    assert isinstance(error, NetworkError)
    assert error.message == "large-1.0-py3-none-any.whl: the server answered 404 Not Found"


def test_one_failure_ends_the_downloads_under_way(tmp_path: Path) -> None:
    class Endless(Store):
        @contextmanager
        def stream(self, url: str, *, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
            if "large" in url:
                yield iter(lambda: b"x", b"")
            else:
                with super().stream(url, start=start, end=end) as chunks:
                    yield chunks

    transport = Endless({})
    huge = LockedWheel("large", "1.0", "large.whl", "https://h/large", "0" * 64)
    with pytest.raises(NetworkError, match="small"):
        fetch_wheels(
            [huge, WHEELS[0]],
            transport=transport,
            archives=tmp_path,
            offline=False,
            reporter=SilentReporter(),
        )
    assert not list(tmp_path.rglob(".tmp-*"))
