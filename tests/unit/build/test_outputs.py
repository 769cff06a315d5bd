from __future__ import annotations

import os
from pathlib import Path

import pytest

from lightship.build.outputs import output_entries
from lightship.digest import Digest
from lightship.errors import StageError
from lightship.fs.entries import Entry, Kind
from lightship.plan.stages import StageOrigin

ORIGIN = StageOrigin("model", Digest("sha256:" + "0" * 64))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "out" / "d"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "tool").write_bytes(b"#!")
    (folder / "inner" / "tool").chmod(0o4751)
    (folder / "a").write_bytes(b"data")
    (folder / "a").chmod(0o600)
    (folder / "link").symlink_to("inner/tool")
    return tmp_path


def entries(root: Path, path: str, place: str) -> list[Entry]:
    return list(output_entries(root, path, place, ORIGIN))


def test_a_folder_goes_with_all_that_is_in_it_in_a_fixed_order(root: Path) -> None:
    found = entries(root, "/out/d", "/app/models/")
    assert [(entry.path, entry.kind, entry.mode, entry.target) for entry in found] == [
        ("app/models", Kind.DIRECTORY, 0o755, ""),
        ("app/models/a", Kind.FILE, 0o644, ""),
        ("app/models/inner", Kind.DIRECTORY, 0o755, ""),
        ("app/models/inner/tool", Kind.FILE, 0o755, ""),
        ("app/models/link", Kind.SYMLINK, 0o777, "inner/tool"),
    ]
    assert {(entry.uid, entry.gid) for entry in found} == {(0, 0)}
    assert found[1].content is not None
    assert b"".join(found[1].content.chunks()) == b"data"


@pytest.mark.parametrize(
    ("path", "place", "final"),
    [
        ("/out/d/a", "/app/b", "app/b"),
        ("/out/d/a", "/app/", "app/a"),
        ("/out/d/a", "in/a", "in/a"),
        ("/out/d/link", "/app/b", "app/b"),
    ],
)
def test_a_file_goes_under_its_place_or_into_it(root: Path, path: str, place: str, final: str) -> None:
    (entry,) = entries(root, path, place)
    assert (entry.path, entry.kind) == (final, Kind.FILE)


def test_a_folder_may_become_the_working_folder_itself(root: Path) -> None:
    assert [entry.path for entry in entries(root, "/out/d", ".")] == ["a", "inner", "inner/tool", "link"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "inner/../../x"])
def test_a_link_that_leaves_what_is_copied_is_refused(root: Path, target: str) -> None:
    (root / "out" / "d" / "bad").symlink_to(target)
    with pytest.raises(StageError, match=r"stage model: the link to .* leaves what is copied") as error:
        entries(root, "/out/d", "/app")
    assert error.value.where == "bad"


def test_a_fifo_is_refused(root: Path) -> None:
    os.mkfifo(root / "out" / "d" / "pipe")
    with pytest.raises(StageError, match="only files, folders and links"):
        entries(root, "/out/d", "/app")


def test_a_name_that_is_not_utf8_is_refused(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root / "out" / "d") + b"/\xff")).touch()
    with pytest.raises(StageError, match="not UTF-8"):
        entries(root, "/out/d", "/app")


def test_what_is_missing_is_told_with_what_is_there(root: Path) -> None:
    with pytest.raises(StageError, match=r"stage model does not have /out/d/model\.onnx") as error:
        entries(root, "/out/d/model.onnx", "/app/m")
    assert error.value.where == "/out/d/model.onnx"
    assert "/out/d holds a, inner/, link" in error.value.hint
    with pytest.raises(StageError) as error:
        entries(root, "/out/x/y/z", "/app/m")
    assert "/out holds d/" in error.value.hint


def test_an_empty_output_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(StageError) as error:
        entries(tmp_path, "/out/a", "/app/a")
    assert "/out holds nothing" in error.value.hint


def test_only_so_many_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for number in range(25):
        (tmp_path / "out" / f"f{number:02}").touch()
    with pytest.raises(StageError) as error:
        entries(tmp_path, "/out/a", "/app/a")
    assert "f19 and 5 more" in error.value.hint
