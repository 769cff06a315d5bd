from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.errors import IntegrityError, NetworkError
from lightship.events import SilentTask
from lightship.net.download import fetch_bytes, fetch_file
from lightship.net.http import HttpTransport
from tests.support.web import Web, body, broken, ranged

DATA = bytes(range(256)) * 40
URL = "http://me:secret@host/file"


class Counting(SilentTask):
    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int) -> None:
        self.done += amount


class Breaking:
    """A transport whose bodies break off after so many bytes, each time."""

    def __init__(self, data: bytes, after: int) -> None:
        self.data, self.after = data, after
        self.starts: list[int] = []

    @contextmanager
    def stream(self, url: str, *, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        assert (url, end) == (URL, None)
        self.starts.append(start)
        yield self._chunks(start)

    def _chunks(self, start: int) -> Iterator[bytes]:
        yield self.data[start : start + self.after]
        if start + self.after < len(self.data):
            raise NetworkError("the connection broke off", where="host")


def test_a_file_arrives_under_its_name_and_progress_is_told(tmp_path: Path, web: Web) -> None:
    web.answers = [body(DATA)]
    task = Counting()
    path = tmp_path / "deep" / "file"
    with HttpTransport() as http:
        fetch_file(http, f"{web.url}/a", path, digest=of_bytes(DATA), size=len(DATA), task=task)
    assert path.read_bytes() == DATA
    assert task.done == len(DATA)


def test_a_broken_body_is_resumed_and_no_byte_counted_twice(tmp_path: Path, web: Web) -> None:
    web.answers = [broken(DATA, 1000), broken(DATA, 2000, start=1000), ranged(DATA)]
    task = Counting()
    with HttpTransport() as http:
        fetch_file(http, f"{web.url}/a", tmp_path / "f", digest=of_bytes(DATA), size=None, task=task)
    assert (tmp_path / "f").read_bytes() == DATA
    assert [request.headers["Range"] for request in web.asked] == [None, "bytes=1000-", "bytes=3000-"]
    assert task.done == len(DATA)


def test_a_body_that_breaks_again_and_again_is_given_up_and_leaves_nothing(tmp_path: Path) -> None:
    transport = Breaking(DATA, 100)
    with pytest.raises(NetworkError, match="broke off"):
        fetch_file(transport, URL, tmp_path / "f", digest=of_bytes(DATA), size=None, task=SilentTask())
    assert transport.starts == [0, 100, 200, 300, 400]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "size", "message"),
    [
        (DATA[:-1] + b"x", len(DATA), "has SHA-256"),
        (DATA + b"x", len(DATA), "more than the 10240 bytes"),
        (DATA, len(DATA) + 1, "has 10240 bytes, the lock says 10241"),
    ],
)
def test_what_is_not_what_the_lock_pins_leaves_nothing(
    tmp_path: Path, data: bytes, size: int, message: str
) -> None:
    transport = Breaking(data, len(data))
    with pytest.raises(IntegrityError, match=message) as raised:
        fetch_file(transport, URL, tmp_path / "f", digest=of_bytes(DATA), size=size, task=SilentTask())
    assert raised.value.exit_code == 6
    assert raised.value.where == "http://host/file"
    assert list(tmp_path.iterdir()) == []


def test_bytes_have_a_limit() -> None:
    assert fetch_bytes(Breaking(DATA, len(DATA)), URL, limit=len(DATA)) == DATA
    with pytest.raises(NetworkError, match="longer than 10 bytes"):
        fetch_bytes(Breaking(DATA, len(DATA)), URL, limit=10)
