from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lightship.build.steps import wheel_entries
from lightship.inspect.oracle.gathers import Bring
from lightship.inspect.oracle.tally import tally
from lightship.oci.blob import write_layer
from lightship.oci.record import Compression
from lightship.plan.model import WheelsLayer
from lightship.wheels.archive import Member, open_wheel
from lightship.wheels.distant import Parts, bring, open_parts
from lightship.wheels.model import LockedWheel
from tests.support.wheels import wheel_bytes

TEXT = random.Random(1).randbytes(15_000).hex().encode()  # noqa: S311 - the same in every run


def generated(count: int, *, alike: bool) -> dict[str, bytes]:
    """Files of 30 kB: nearly the same, as generators write them, or each of its own."""
    own = random.Random(2)  # noqa: S311
    return {
        f"pkg/model_{number:03}.py": b"# %d\n" % number
        + (TEXT if alike else own.randbytes(15_000).hex().encode())
        for number in range(count)
    }


class Distant:
    """A wheel whose bytes are asked for; counts what was, beside its directory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.data = wheel_bytes("pkg", "1.0", files)
        self.wheel = LockedWheel("pkg", "1.0", "pkg-1.0-py3-none-any.whl", "", "", len(self.data))
        self.layer = WheelsLayer("opt/venv", "3.11", (self.wheel,))
        self.asked: list[int] = []

    def told(self, how: Bring | None) -> tuple[int, int]:
        archive = open_parts(Parts("pkg", len(self.data), self._fetch))
        entries = list(wheel_entries(self.layer, [(archive, self.wheel)], lambda _: None))
        self.asked.clear()
        return tally(entries, how)

    def made(self) -> tuple[int, int]:
        with tempfile.TemporaryFile() as stream, Path(os.devnull).open("wb") as nowhere:
            stream.write(self.data)
            stream.flush()
            archive = open_wheel(stream, name="pkg")
            entries = wheel_entries(self.layer, [(archive, self.wheel)], lambda _: None)
            record = write_layer(entries, nowhere, Compression.GZIP)
        return record.unpacked, record.descriptor.size

    def _fetch(self, start: int, end: int) -> bytes:
        self.asked.append(end - start)
        return self.data[start:end]


def bring_all(members: Sequence[Member]) -> bool:
    bring(members)
    return True


@pytest.mark.parametrize("alike", [True, False])
def test_some_members_are_read_to_tell_the_others(*, alike: bool) -> None:
    distant = Distant(generated(100, alike=alike))
    made, told = distant.made(), distant.told(bring_all)
    assert told[0] == made[0]
    assert abs(told[1] / made[1] - 1) < 0.1, "of a dozen members, the last is not full"
    assert 0 < sum(distant.asked) < len(distant.data) / 4
    assert len(distant.asked) < 10, "what stands together is asked for together"


def test_without_reading_files_that_are_alike_are_told_as_others() -> None:
    distant = Distant(generated(100, alike=True))
    assert distant.told(None)[1] > 3 * distant.made()[1]
    assert not distant.asked


def test_what_cannot_be_had_tells_nothing() -> None:
    distant = Distant(generated(100, alike=True))
    assert distant.told(lambda _: False) == distant.told(None)


def test_of_few_files_none_is_read() -> None:
    distant = Distant(generated(40, alike=True))
    distant.told(bring_all)
    assert not distant.asked
