from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import IntegrityError
from lightship.fs.entries import Entry, Kind, directory, regular, symlink
from lightship.fs.plant import Planter


def plant(folder: Path, *entries: Entry) -> None:
    planter = Planter(folder, archive="a.tar")
    for entry in entries:
        planter.put(entry, entry.content.chunks() if entry.content else ())


def refused(folder: Path, *entries: Entry) -> str:
    with pytest.raises(IntegrityError) as caught:
        plant(folder, *entries)
    assert caught.value.where == "a.tar"
    return caught.value.message


def test_files_links_and_directories_are_written_with_their_modes(tmp_path: Path) -> None:
    plant(
        tmp_path,
        directory("d", 0o500),
        regular("d/tool", b"run", 0o4755),
        symlink("d/link", "/elsewhere"),
        Entry("d/same", Kind.HARDLINK, 0o644, target="d/tool"),
        regular("deep/er/file", b"x", 0o200),
    )
    assert (tmp_path / "d/tool").read_bytes() == b"run"
    assert (tmp_path / "d/tool").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "d/link").readlink() == Path("/elsewhere")
    assert (tmp_path / "d/same").samefile(tmp_path / "d/tool")
    assert (tmp_path / "deep/er/file").stat().st_mode & 0o777 == 0o600


def test_of_two_files_at_one_path_the_later_one_stays(tmp_path: Path) -> None:
    plant(tmp_path, symlink("a", "/etc/passwd"), regular("a", b"new"))
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_time_stamp_is_set_where_one_is_given(tmp_path: Path) -> None:
    Planter(tmp_path, archive="a").put(regular("a", b""), mtime=1234567890)
    assert (tmp_path / "a").stat().st_mtime == 1234567890


@pytest.mark.parametrize("target", ["/tmp", "..", "d"])
def test_nothing_is_written_through_a_link(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    assert "below link" in refused(root, directory("d"), symlink("link", target), regular("link/x", b""))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["d", "link", "root"]


def test_nothing_is_written_below_a_file(tmp_path: Path) -> None:
    assert "below f" in refused(tmp_path, regular("f", b""), regular("f/x", b""))


def test_a_hard_link_shares_only_a_file_of_the_tree(tmp_path: Path) -> None:
    assert "no file" in refused(tmp_path, Entry("a", Kind.HARDLINK, 0o644, target="b"))
    link = Entry("a", Kind.HARDLINK, 0o644, target="l")
    assert "no file" in refused(tmp_path, symlink("l", "/etc/passwd"), link)


def test_a_path_is_a_directory_or_something_else(tmp_path: Path) -> None:
    assert "both" in refused(tmp_path, directory("a"), regular("a", b""))
    assert "both" in refused(tmp_path, regular("b", b""), directory("b"))
