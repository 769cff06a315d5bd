from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightship.build.cache import FileDigests, Memo
from lightship.build.home import Home, find_home
from lightship.build.machine import Machine
from lightship.digest import of_bytes, of_value
from lightship.errors import UsageError
from lightship.events import SilentReporter
from lightship.oci.model import Descriptor
from lightship.oci.record import LayerRecord
from lightship.plan.planner import Selection

KEY = of_value("key")
RECORD = LayerRecord(Descriptor("text/plain", of_bytes(b"a"), 1), of_bytes(b"b"), 2)


def test_what_was_put_is_got_again(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.put(KEY, RECORD)
    assert memo.get(KEY, LayerRecord) == RECORD
    assert memo.get(of_value("other"), LayerRecord) is None


@pytest.mark.parametrize("keep", range(0, 90, 7))
def test_a_truncated_file_is_as_good_as_none(tmp_path: Path, keep: int) -> None:
    memo = Memo(tmp_path)
    memo.put(KEY, RECORD)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    path.write_bytes(path.read_bytes()[:keep])
    assert memo.get(KEY, LayerRecord) is None


def test_a_value_of_another_type_is_as_good_as_none(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo.put(KEY, "text")
    assert memo.get(KEY, LayerRecord) is None


def test_a_folder_in_its_place_is_as_good_as_none(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    memo._path(KEY).mkdir(parents=True)
    assert memo.get(KEY, str) is None


@given(st.binary(max_size=100))
def test_noise_is_as_good_as_none(noise: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        memo = Memo(Path(folder))
        memo.put(KEY, "x")
        memo._path(KEY).write_bytes(noise)
        for kind in (LayerRecord, Selection, list[str]):
            found = memo.get(KEY, kind)
            assert found is None or msgspec.convert(msgspec.to_builtins(found), kind) == found


def test_a_value_is_made_once(tmp_path: Path) -> None:
    memo, made = Memo(tmp_path), []

    def make() -> str:
        made.append(1)
        return ""

    assert [memo.get_or_make(KEY, str, make) for _ in range(3)] == ["", "", ""]
    assert made == [1]


def test_what_cannot_be_made_is_not_remembered(tmp_path: Path) -> None:
    def fail() -> str:
        raise UsageError("no")

    with pytest.raises(UsageError):
        Memo(tmp_path).get_or_make(KEY, str, fail)
    assert Memo(tmp_path).get(KEY, str) is None


@pytest.mark.parametrize("size", [10, 2 << 20])
def test_a_changed_file_has_a_new_digest(tmp_path: Path, size: int) -> None:
    digests, path = FileDigests(Memo(tmp_path / "memo")), tmp_path / "file"
    seen: list[bytes] = []
    for content in (b"a", b"b", b"c"):
        path.write_bytes(content * size)
        os.utime(path, ns=(1, len(seen)))  # as a change a while later would
        assert digests(path, path.stat()) == of_bytes(content * size)
        seen.append(content)


def test_a_replaced_file_has_a_new_digest_even_with_the_old_time(tmp_path: Path) -> None:
    digests, path = FileDigests(Memo(tmp_path / "memo")), tmp_path / "file"
    for content in (b"a", b"b"):
        (tmp_path / "new").write_bytes(content * (2 << 20))
        os.utime(tmp_path / "new", ns=(1, 1))
        (tmp_path / "new").rename(path)
        assert digests(path, path.stat()) == of_bytes(content * (2 << 20))


def test_a_big_file_is_read_once(tmp_path: Path) -> None:
    digests, path = FileDigests(Memo(tmp_path / "memo")), tmp_path / "file"
    path.write_bytes(bytes(2 << 20))
    status = path.stat()
    first = digests(path, status)
    path.unlink()
    assert digests(path, status) == first


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({}, Home(Path("/u/.local/share/lightship"), Path("/u/.cache/lightship"))),
        ({"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"}, Home(Path("/d/lightship"), Path("/c/lightship"))),
        ({"XDG_CACHE_HOME": ""}, Home(Path("/u/.local/share/lightship"), Path("/u/.cache/lightship"))),
        ({"LIGHTSHIP_HOME": "/l", "XDG_CACHE_HOME": "/c"}, Home(Path("/l/data"), Path("/l/cache"))),
    ],
)
def test_where_things_are_kept(environ: dict[str, str], home: Home) -> None:
    assert find_home(environ, Path("/u")) == home


def machine(**environ: str) -> Machine:
    return Machine(
        environ, Path("/u"), Path("/p"), lambda: datetime(2026, 1, 1, tzinfo=UTC), SilentReporter()
    )


@pytest.mark.parametrize(
    ("environ", "created"),
    [
        ({}, "1980-01-01T00:00:00Z"),
        ({"SOURCE_DATE_EPOCH": ""}, "1980-01-01T00:00:00Z"),
        ({"SOURCE_DATE_EPOCH": "0"}, "1970-01-01T00:00:00Z"),
        ({"SOURCE_DATE_EPOCH": "1700000000"}, "2023-11-14T22:13:20Z"),
    ],
)
def test_images_are_as_old_as_source_date_epoch_says(environ: dict[str, str], created: str) -> None:
    assert machine(**environ).created == created


@pytest.mark.parametrize("text", ["now", "1.5", "99999999999999", "2026-01-01"])
def test_a_source_date_epoch_that_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH") as error:
        _ = machine(SOURCE_DATE_EPOCH=text).created
    assert error.value.hint


def test_a_machine_finds_its_home_in_the_environment() -> None:
    assert machine(LIGHTSHIP_HOME="/l").home == Home(Path("/l/data"), Path("/l/cache"))
