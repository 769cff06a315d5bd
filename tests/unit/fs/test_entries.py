from __future__ import annotations

from pathlib import Path

import pytest

from lightship.digest import CHUNK
from lightship.errors import StageError
from lightship.fs.entries import BytesContent, Entry, FileContent, Kind, directory, regular, symlink


def test_entries_of_each_kind() -> None:
    assert directory("a") == Entry("a", Kind.DIRECTORY, 0o755)
    assert symlink("a", "b") == Entry("a", Kind.SYMLINK, 0o777, target="b")
    assert regular("a", b"xyz", 0o600) == Entry("a", Kind.FILE, 0o600, BytesContent(b"xyz"))
    assert [regular("a", b"xyz").size, directory("a").size] == [3, 0]


def test_ownership_is_a_new_value() -> None:
    entry = directory("a")
    assert (entry.owned_by(1, 2).uid, entry.owned_by(1, 2).gid) == (1, 2)
    assert (entry.uid, entry.gid) == (0, 0)


def test_content_can_be_read_any_number_of_times(tmp_path: Path) -> None:
    data = bytes(range(256)) * (CHUNK // 256 * 2) + b"end"
    (tmp_path / "data").write_bytes(data)
    for content in (BytesContent(data), FileContent(tmp_path / "data", len(data))):
        assert b"".join(content.chunks()) == b"".join(content.chunks()) == data


def test_a_part_of_a_file_can_be_content(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"0123456789")
    assert b"".join(FileContent(tmp_path / "data", 3, offset=4).chunks()) == b"456"
    assert list(FileContent(tmp_path / "data", 0).chunks()) == []


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"012")
    with pytest.raises(StageError, match="became shorter") as caught:
        list(FileContent(tmp_path / "data", 4).chunks())
    assert caught.value.where == str(tmp_path / "data")
