from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from lightship.errors import StageError
from lightship.fs.atomic import storage_error, unlinked, write_bytes, writing, writing_unnamed


def test_a_file_appears_whole_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with writing(tmp_path / "new" / "file", mode=0o755) as stream:
            stream.write(b"data")
            assert not (tmp_path / "new" / "file").exists()
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "file").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "new" / "file").stat().st_mode) == 0o755


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(KeyboardInterrupt):
        _write_half(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def _write_half(path: Path) -> None:
    with writing(path) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt


def test_a_name_may_be_chosen_when_the_content_is_known(tmp_path: Path) -> None:
    with writing_unnamed(tmp_path) as unnamed:
        unnamed.stream.write(b"data")
        unnamed.name(tmp_path / "data")
    assert (tmp_path / "data").read_bytes() == b"data"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_a_stage_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no space is left") as caught, writing(tmp_path / "file"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "lightship cache prune" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_caller_pass_through(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), writing(tmp_path / "file"):
        raise ConnectionResetError(errno.ECONNRESET, "reset")


def test_a_folder_that_cannot_be_made_is_a_stage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StageError, match="cannot write: ") as caught:
        write_bytes(tmp_path / "file" / "below", b"")
    assert caught.value.where == str(tmp_path / "file")


def test_a_forbidden_write_names_the_folder_and_the_remedy() -> None:
    error = storage_error(PermissionError(errno.EACCES, "Permission denied"), Path("/srv"))
    assert error.message == "cannot write: Permission denied"
    assert (error.where, error.hint) == ("/srv", "check that the folder exists and belongs to you")


def test_a_file_without_a_name_is_written_and_read_and_leaves_nothing(tmp_path: Path) -> None:
    with unlinked(tmp_path / "new") as stream:
        assert list((tmp_path / "new").iterdir()) == []
        stream.write(b"some")
        stream.seek(0)
        assert stream.read() == b"some"


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StageError), unlinked(tmp_path / "file" / "folder"):
        pass
