from __future__ import annotations

from pathlib import Path

import pytest

from lightship.dockerfile.emit.files import MARK, check_files, ignored, stale_files, write_files
from lightship.errors import CheckError, UsageError

OURS = f"# {MARK}`\n"
FILES = {"Dockerfile": f"{OURS}FROM a\n", ".dockerignore": f"{OURS}venv\n", "docker/requirements/a.txt": OURS}


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    assert set(write_files(tmp_path, FILES)) == set(FILES)
    assert write_files(tmp_path, FILES) == ()
    assert stale_files(tmp_path, FILES) == ()
    check_files(tmp_path, FILES, "it")


def test_check_names_what_is_stale_and_writes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "Dockerfile").write_text(OURS)
    with pytest.raises(CheckError, match="a file is missing or stale") as caught:
        check_files(tmp_path, FILES, "lightship dockerfile")
    assert caught.value.where == "Dockerfile"
    assert "`lightship dockerfile`" in caught.value.hint
    assert (tmp_path / "Dockerfile").read_text() == OURS


def test_a_file_that_is_not_ours_is_left_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    with pytest.raises(UsageError, match="Dockerfile is there") as caught:
        write_files(tmp_path, FILES)
    assert "--force" in caught.value.hint
    assert not (tmp_path / "docker").exists()
    assert "Dockerfile" in write_files(tmp_path, FILES, force=True)
    assert (tmp_path / "Dockerfile").read_text() == FILES["Dockerfile"]


def test_a_dockerignore_of_the_users_own_stays(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("data\n")
    write_files(tmp_path, FILES, force=True)
    assert (tmp_path / ".dockerignore").read_text() == "data\n"
    check_files(tmp_path, FILES, "it")


def test_a_dockerignore_that_hides_what_is_copied_is_found(tmp_path: Path) -> None:
    assert ignored(tmp_path, FILES) == ()
    (tmp_path / ".dockerignore").write_text("docker\n")
    assert ignored(tmp_path, FILES) == ("docker/requirements/a.txt",)


def test_requirements_of_a_variant_that_is_no_more_go(tmp_path: Path) -> None:
    write_files(tmp_path, {**FILES, "docker/requirements/b.txt": OURS})
    (tmp_path / "docker/requirements/mine.txt").write_text("fastapi\n")
    assert stale_files(tmp_path, FILES) == ("docker/requirements/b.txt",)
    assert write_files(tmp_path, FILES) == ("docker/requirements/b.txt",)
    assert (tmp_path / "docker/requirements/mine.txt").is_file()


def test_a_folder_in_the_way_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        write_files(tmp_path, FILES)
