from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.build.machine import Machine
from lightship.errors import IntegrityError, NetworkError
from lightship.fs.entries import BytesContent
from lightship.inspect.oracle.tally import Expected
from lightship.inspect.oracle.wheels import WheelReader, expect_stripped
from lightship.wheels.distant import Parts, open_parts
from lightship.wheels.model import LockedWheel
from tests.support.elves import DATA, debug_library
from tests.support.locked import Locked
from tests.support.web import Web, body, ranged, serving
from tests.support.wheels import Packed, wheel_bytes

WHEEL = wheel_bytes(
    "pkg", "1.0", {"pkg/__init__.py": b"x = 1\n", "pkg/big.bin": Packed(bytes(99_000), stored=True)}
)
SHA256 = hashlib.sha256(WHEEL).hexdigest()


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as server:
        server.answers = [ranged(WHEEL)]
        yield server


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = replace(Locked(tmp_path).machine(), offline=False)
    yield made
    made.transport.close()  # type: ignore[attr-defined]


def wheel_at(web: Web, size: int = len(WHEEL)) -> LockedWheel:
    return LockedWheel("pkg", "1.0", "pkg-1.0-py3-none-any.whl", f"{web.url}/pkg.whl", SHA256, size)


def test_a_wheel_is_read_by_ranges(web: Web, machine: Machine) -> None:
    reader = WheelReader(machine)
    archive = reader.open(wheel_at(web))
    assert archive.read("pkg/__init__.py") == b"x = 1\n"
    assert reader.open(wheel_at(web)) is archive
    assert all(asked.headers["Range"] for asked in web.asked)
    assert 0 < reader.fetched < len(WHEEL) / 4


def test_what_was_read_is_kept_by_digest_and_serves_offline(web: Web, machine: Machine) -> None:
    first = WheelReader(machine)
    first.open(wheel_at(web)).read("pkg/__init__.py")
    first.keep()
    asked = len(web.asked)
    again = WheelReader(replace(machine, offline=True))
    again.open(wheel_at(web)).read("pkg/__init__.py")
    assert (len(web.asked), again.fetched) == (asked, 0)


def test_offline_a_wheel_that_was_never_read_is_missing(web: Web, machine: Machine) -> None:
    reader = WheelReader(replace(machine, offline=True))
    with pytest.raises(NetworkError, match="not in the cache"):
        reader.open(wheel_at(web))


def test_a_wheel_in_the_cache_is_read_there(web: Web, machine: Machine) -> None:
    path = machine.home.archives / "sha256" / SHA256
    path.parent.mkdir(parents=True)
    path.write_bytes(WHEEL)
    reader = WheelReader(replace(machine, offline=True))
    assert reader.open(wheel_at(web)).read("pkg/__init__.py") == b"x = 1\n"
    assert (web.asked, reader.fetched) == ([], 0)


def test_a_wheel_in_a_folder_is_read_there(tmp_path: Path, web: Web, machine: Machine) -> None:
    path = tmp_path / "pkg.whl"
    path.write_bytes(WHEEL)
    reader = WheelReader(machine)
    local = LockedWheel("pkg", "1.0", path.name, path.as_uri(), SHA256)
    assert reader.open(local).read("pkg/__init__.py") == b"x = 1\n"
    assert (web.asked, reader.fetched) == ([], 0)


def test_a_wheel_of_unknown_size_is_fetched(web: Web, machine: Machine) -> None:
    reader = WheelReader(machine)
    assert reader.open(wheel_at(web, 0)).read("pkg/__init__.py") == b"x = 1\n"
    assert (machine.home.archives / "sha256" / SHA256).read_bytes() == WHEEL
    assert reader.fetched == len(WHEEL)


def test_a_server_without_ranges_is_read_all_the_same(web: Web, machine: Machine) -> None:
    web.answers = [body(WHEEL)]
    assert WheelReader(machine).open(wheel_at(web)).read("pkg/__init__.py") == b"x = 1\n"


def test_what_is_no_wheel_is_named(web: Web, machine: Machine) -> None:
    web.answers = [ranged(bytes(len(WHEEL)))]
    with pytest.raises(IntegrityError, match="not a wheel"):
        WheelReader(machine).open(wheel_at(web))


def test_a_library_is_expected_without_its_symbols() -> None:
    library = debug_library(DATA + bytes(70_000))
    data = wheel_bytes("pkg", "1.0", {"pkg/lib.so": library, "pkg/text.so": b"no library" * 9000})
    members = open_parts(Parts("pkg", len(data), lambda start, end: data[start:end])).members
    stripped = expect_stripped("pkg/lib.so", members["pkg/lib.so"])
    assert isinstance(stripped, Expected)
    assert stripped.size < len(library)
    assert not list(stripped.chunks())
    assert expect_stripped("pkg/text.so", members["pkg/text.so"]) is members["pkg/text.so"]
    small = BytesContent(debug_library())
    assert expect_stripped("pkg/lib.so", small) is small
