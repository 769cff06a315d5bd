from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lightship.errors import StageError
from lightship.fs import opened as module
from lightship.fs.opened import watching


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    for path in ("a.txt", "deep/er/b.txt", "deep/c.txt"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("x")
    return top


def test_what_is_opened_is_named_by_its_path_below_the_folder(tree: Path) -> None:
    with watching(tree) as opened:
        (tree / "a.txt").read_text()
        (tree / "deep/er/b.txt").read_text()
    assert opened.paths == {"a.txt", "deep/er/b.txt"}


def test_other_processes_and_other_links_to_the_folder_count(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    with watching(tree) as opened:
        program = f"open({str(tmp_path / 'link' / 'deep/c.txt')!r}).close()"
        subprocess.run([sys.executable, "-ISc", program], check=True)
    assert opened.paths == {"deep/c.txt"}


def test_looking_whether_a_file_is_there_is_not_opening_it(tree: Path) -> None:
    with watching(tree) as opened:
        assert (tree / "a.txt").is_file()
        assert list((tree / "deep").iterdir())
    assert opened.paths == set()


def test_many_are_all_seen(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / str(number)).touch()
    with watching(tmp_path) as opened:
        for number in range(3000):
            (tmp_path / str(number)).open().close()
    assert len(opened.paths) == 3000


def test_a_folder_that_cannot_be_watched_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inotify_simple.INotify.add_watch", exhausted)
    with pytest.raises(StageError, match="not every folder can be watched") as caught, watching(tree):
        pass
    assert "max_user_watches" in caught.value.hint


def test_what_the_kernel_lost_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*arguments: object) -> None:
        opened = arguments[2]
        assert isinstance(opened, module.OpenedFiles)
        opened.lost = True

    monkeypatch.setattr(module, "_read", lose)
    with pytest.raises(StageError, match="more files were opened") as caught, watching(tree):
        pass
    assert "max_queued_events" in caught.value.hint
