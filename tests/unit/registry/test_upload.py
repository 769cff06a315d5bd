from __future__ import annotations

import io
import random
from typing import BinaryIO

import pytest

from lightship.digest import Digest, of_bytes
from lightship.errors import IntegrityError, NetworkError
from lightship.events import SilentTask
from lightship.oci.model import Descriptor
from lightship.registry import upload
from lightship.registry.upload import upload_blob
from lightship.registry.wire import Wire
from tests.support.registry import Registry
from tests.support.registry_faults import Fault, Planned
from tests.unit.registry.conftest import Clock, Connect

DATA = random.Random(1).randbytes(3 * upload.SMALL + 17)  # noqa: S311 - no secret
SMALL_DATA = b"a small blob"


class Counted(SilentTask):
    def __init__(self) -> None:
        self.amounts: list[int] = []

    def advance(self, amount: int) -> None:
        self.amounts.append(amount)


def send(wire: Wire, registry: Registry, data: bytes = DATA, digest: Digest | None = None) -> Counted:
    descriptor = Descriptor("application/octet-stream", digest or of_bytes(data), len(data))
    task = Counted()

    def opened() -> BinaryIO:
        return io.BytesIO(data)

    upload_blob(wire, registry.repository("app"), descriptor, opened, task)
    assert registry.blobs[of_bytes(data)] == data
    assert (sum(task.amounts), min(task.amounts) > 0) == (len(data), True)
    return task


def steps(registry: Registry) -> list[str]:
    return [asked.method for asked in registry.calls(words="/app/")]


def test_a_small_blob_goes_in_one_body(registry: Registry, connect: Connect) -> None:
    send(connect(), registry, SMALL_DATA)
    assert steps(registry) == ["POST", "PUT"]


def test_an_empty_blob_is_one_too(registry: Registry, connect: Connect) -> None:
    descriptor = Descriptor("application/octet-stream", of_bytes(b""), 0)
    upload_blob(connect(), registry.repository("app"), descriptor, lambda: io.BytesIO(b""), SilentTask())
    assert registry.blobs == {of_bytes(b""): b""}


def test_a_large_blob_is_streamed_as_dockers_client_does(registry: Registry, connect: Connect) -> None:
    task = send(connect(), registry)
    assert steps(registry) == ["POST", "PATCH", "PUT"]
    assert "Content-Range" not in registry.calls("PATCH")[0].headers
    assert max(task.amounts) == 1 << 20  # in memory at once


def test_what_broke_off_goes_on_where_the_registry_stopped(
    registry: Registry, connect: Connect, clock: Clock
) -> None:
    registry.faults = Planned("PATCH", "", [Fault.CUT_UPLOAD])
    send(connect(), registry)
    assert steps(registry) == ["POST", "PATCH", "HEAD", "GET", "PATCH", "PUT"]
    first, second = registry.calls("PATCH")
    assert second.headers["Content-Range"] == f"{first.size}-{len(DATA) - 1}"
    assert first.size + second.size == len(DATA)
    assert clock.slept == [0.5]


def test_where_the_registry_forgot_the_session_it_begins_anew(registry: Registry, connect: Connect) -> None:
    registry.resumes = False
    registry.faults = Planned("PATCH", "", [Fault.CUT_UPLOAD])
    send(connect(), registry)
    assert steps(registry) == ["POST", "PATCH", "HEAD", "GET", "POST", "PATCH", "PUT"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("fault", [Fault.SESSIONS, Fault.ERROR, Fault.UNAVAILABLE, Fault.DROP])
def test_a_passing_problem_passes(registry: Registry, connect: Connect, method: str, fault: Fault) -> None:
    registry.faults = Planned(method, "", [fault, fault])
    send(connect(), registry)


def test_a_lost_answer_is_no_second_upload(registry: Registry, connect: Connect) -> None:
    registry.faults = Planned("PUT", "", [Fault.DROP_LATE])
    send(connect(), registry)
    assert steps(registry) == ["POST", "PATCH", "PUT", "HEAD"]


def test_a_busy_registry_is_given_the_seconds_it_asks_for(
    registry: Registry, connect: Connect, clock: Clock
) -> None:
    registry.faults = Planned("PATCH", "", [Fault.BUSY, Fault.BUSY_UNTIL])
    send(connect(), registry)
    assert clock.slept[0] == 2.0


def test_as_long_as_it_gets_on_patience_does_not_end(registry: Registry, connect: Connect) -> None:
    registry.faults = Planned("PATCH", "", [Fault.CUT_UPLOAD] * 8)
    send(connect(attempts=3), registry)
    assert len(registry.calls("PATCH")) == 9


def test_without_progress_patience_ends(registry: Registry, connect: Connect, clock: Clock) -> None:
    registry.faults = Planned("PATCH", "", [Fault.DROP] * 99)
    with pytest.raises(NetworkError, match="broke off"):
        send(connect(attempts=3), registry)
    assert clock.slept == [0.5, 1.0]


def test_where_a_proxy_limits_requests_the_blob_goes_in_pieces(
    registry: Registry, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PIECE", 1 << 20)
    registry.largest = 1 << 20
    send(connect(), registry)
    ranges = [asked.headers["Content-Range"] for asked in registry.calls("PATCH")[1:]]
    assert ranges == ["0-1048575", "1048576-2097151", "2097152-3145727", f"3145728-{len(DATA) - 1}"]


def test_where_even_pieces_are_too_large_the_error_says_who_limits(
    registry: Registry, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PIECE", 1 << 20)
    registry.largest = 1000
    with pytest.raises(NetworkError, match="413") as raised:
        send(connect(), registry)
    assert "proxy" in raised.value.hint


@pytest.mark.parametrize("data", [DATA, SMALL_DATA])
def test_a_damaged_blob_is_not_sent_again_and_again(
    registry: Registry, connect: Connect, data: bytes
) -> None:
    with pytest.raises(IntegrityError, match="a blob of the image is damaged"):
        send(connect(), registry, data, of_bytes(b"something else"))
    assert len(registry.calls("PUT")) == 1
    assert registry.blobs == {}
