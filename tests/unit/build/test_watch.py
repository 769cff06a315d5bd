from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.sandbox import Link, Scratch, Volume
from lightship.build.watch import LIVE, watch_mounts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that is in the image as it is, below /app, with a model beside it."""
    for place in ("project", "root/app"):
        for name in ("main.py", "pkg/a.py", "src/one.py", "src/two/b.py"):
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / "root/app/model.bin").touch()
    (tmp_path / "root/app/latest").symlink_to("model.bin")
    return tmp_path


def mounts(folder: Path, *sources: str, workdir: str = "/app") -> list[Volume | Scratch | Link]:
    return list(watch_mounts(folder / "root", folder / "project", workdir, sources))


def test_folders_are_mounted_read_only_at_their_places(folder: Path) -> None:
    project = folder / "project"
    assert mounts(folder, "pkg/", "src") == [
        Volume(project / "pkg", "/app/pkg", read_only=True),
        Volume(project / "src", "/app/src", read_only=True),
    ]
    assert mounts(folder, ".") == [Volume(project, "/app", read_only=True)]


def test_a_file_is_a_link_so_that_one_that_replaces_it_is_seen(folder: Path) -> None:
    project, app = folder / "project", folder / "root/app"
    assert mounts(folder, "main.py", "pkg/") == [
        Volume(project, LIVE, read_only=True),
        Scratch("/app"),
        Link("model.bin", "/app/latest"),
        Link(f"{LIVE}/main.py", "/app/main.py"),
        Volume(app / "model.bin", "/app/model.bin", read_only=True),
        Volume(app / "pkg", "/app/pkg", read_only=True),
        Volume(app / "src", "/app/src", read_only=True),
        Volume(project / "pkg", "/app/pkg", read_only=True),
    ]


def test_a_file_in_a_folder_is_laid_out_there(folder: Path) -> None:
    assert mounts(folder, "src/one.py") == [
        Volume(folder / "project", LIVE, read_only=True),
        Scratch("/app/src"),
        Link(f"{LIVE}/src/one.py", "/app/src/one.py"),
        Volume(folder / "root/app/src/two", "/app/src/two", read_only=True),
    ]


def test_bytecode_beside_a_file_is_hidden_for_it_would_be_taken_unseen(folder: Path) -> None:
    for place in ("", "app", "app/pkg"):
        made = folder / "root" / place / "__pycache__"
        made.mkdir()
        (made / "main.cpython-311.pyc").touch()
    laid_out = mounts(folder, "main.py")
    assert Scratch("/app") in laid_out
    assert not any("__pycache__" in mount.container for mount in laid_out)
    (folder / "root/main.py").touch()
    assert mounts(folder, "main.py", workdir="/")[-1] == Scratch("/__pycache__")


def test_what_is_not_in_the_image_is_left_out(folder: Path) -> None:
    (folder / "project/empty").mkdir()
    assert mounts(folder, "empty") == []


def test_at_the_root_files_themselves_are_mounted(folder: Path) -> None:
    (folder / "root/main.py").touch()
    assert mounts(folder, "main.py", workdir="/") == [
        Volume(folder / "project/main.py", "/main.py", read_only=True)
    ]
