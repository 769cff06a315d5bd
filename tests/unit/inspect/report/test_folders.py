from __future__ import annotations

import pytest

from lightship.fs.entries import regular
from lightship.inspect.report.folders import Folder, folders
from tests.support.installed import dist
from tests.unit.inspect.report.conftest import Inspect


def test_paths_start_from_the_parts_place_and_lone_folders_are_one(inspect: Inspect) -> None:
    found = folders(
        inspect(dist("a", {"a/lib/deep/x": b"123", "a/lib/deep/y": b"1", "../../../bin/run": b"12"}))
    )
    large, small = found["python:a"][1:]
    assert large == Folder("a/lib/deep", 4, 2, (Folder("x", 3, 1), Folder("y", 1, 1)))
    assert small == Folder("/opt/venv/bin/run", 2, 1)


def test_small_files_are_gathered(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightship.inspect.report.folders._MOST", 2)
    files = [regular(f"srv/data/{size}", b"x" * size) for size in (90, 80, 3, 2)]
    found = folders(inspect(files))["unowned:/srv/data"]
    assert found == (Folder("90", 90, 1), Folder("80", 80, 1), Folder("", 5, 2))


def test_every_byte_is_on_the_map(inspect: Inspect) -> None:
    found = inspect([regular(f"srv/{n % 3}/{n}", b"x" * n) for n in range(50)])
    for part in found.parts:
        assert sum(folder.size for folder in folders(found)[part.id]) == part.size
