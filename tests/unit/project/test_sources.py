from __future__ import annotations

import os
from pathlib import Path

import pytest

from lightship.digest import of_bytes
from lightship.errors import UsageError
from lightship.project.ignore import parse_ignore
from lightship.project.sources import SourceFile, scan

NOTHING = parse_ignore([])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "app" / "deep").mkdir(parents=True)
    (folder / "app" / "main.py").write_bytes(b"main")
    (folder / "app" / "deep" / "a.txt").write_bytes(b"")
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    return folder


def paths(files: tuple[SourceFile, ...]) -> list[str]:
    return [file.path for file in files]


def test_files_are_listed_by_path_with_size_and_digest(project: Path) -> None:
    found = scan(project, ("run.sh", "app/"), NOTHING)
    assert paths(found) == ["app/deep/a.txt", "app/main.py", "run.sh"]
    assert found[1] == SourceFile("app/main.py", size=4, digest=of_bytes(b"main"))


def test_a_file_under_two_sources_is_listed_once(project: Path) -> None:
    assert scan(project, ("app", "app/main.py", "./app/deep"), NOTHING) == scan(project, ("app",), NOTHING)


def test_the_whole_project_can_be_a_source(project: Path) -> None:
    assert paths(scan(project, (".",), NOTHING)) == ["app/deep/a.txt", "app/main.py", "run.sh"]


@pytest.mark.parametrize(
    ("mode", "executable"), [(0o600, False), (0o666, False), (0o700, True), (0o777, True), (0o655, False)]
)
def test_modes_are_reduced_to_the_owners_execute_bit(project: Path, mode: int, *, executable: bool) -> None:
    (project / "run.sh").chmod(mode)
    (file,) = scan(project, ("run.sh",), NOTHING)
    assert file.executable is executable


def test_ignored_files_and_folders_stay_out(project: Path) -> None:
    assert paths(scan(project, ("app",), parse_ignore(["app/deep"]))) == ["app/main.py"]
    again = parse_ignore(["app", "!app/deep/a.txt"])
    assert paths(scan(project, ("app",), again)) == ["app/deep/a.txt"]


def test_links_are_kept_as_links(project: Path) -> None:
    (project / "app" / "link").symlink_to("deep/a.txt")
    (project / "app" / "up").symlink_to("../run.sh")
    (project / "app" / "absolute").symlink_to("/opt/venv/bin/python")
    (project / "app" / "folder").symlink_to("deep")
    (project / "app" / "dangling").symlink_to("nothing")
    found = {file.path: file.link for file in scan(project, ("app",), NOTHING) if file.link}
    assert found == {
        "app/link": "deep/a.txt",
        "app/up": "../run.sh",
        "app/absolute": "/opt/venv/bin/python",
        "app/folder": "deep",
        "app/dangling": "nothing",
    }


def refused(project: Path, source: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        scan(project, (source,), NOTHING)
    assert error.value.where
    assert error.value.hint


@pytest.mark.parametrize("source", ["..", "../other", "app/../../project/app", "../project/app", "/etc"])
def test_sources_outside_the_project_are_refused(project: Path, source: str) -> None:
    refused(project, source, "outside the project")


def test_an_absolute_source_is_refused_even_inside(project: Path) -> None:
    refused(project, str(project / "app"), "outside the project")


def test_a_source_that_is_a_link_out_of_the_project_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project / "out").symlink_to(tmp_path / "elsewhere")
    refused(project, "out", "outside the project")


def test_a_link_that_climbs_out_of_the_project_is_refused(project: Path) -> None:
    (project / "app" / "climbs").symlink_to("../../other")
    refused(project, "app", "leaves the project")


def test_a_missing_source_is_refused(project: Path) -> None:
    refused(project, "nothing", "is not there")


def test_what_is_no_file_is_refused(project: Path) -> None:
    os.mkfifo(project / "app" / "pipe")
    refused(project, "app", "only files, folders and links")


def test_a_name_that_is_not_utf_8_is_refused(project: Path) -> None:
    Path(os.fsdecode(os.fsencode(project) + b"/app/\xff")).write_bytes(b"")
    refused(project, "app", "not UTF-8")


def test_the_order_of_the_folder_does_not_matter(project: Path, tmp_path: Path) -> None:
    names = [f"{number}.py" for number in range(50)]
    other = tmp_path / "other"
    for folder, order in ((project, names), (other, reversed(names))):
        (folder / "many").mkdir(parents=True)
        for name in order:
            (folder / "many" / name).write_bytes(name.encode())
    assert scan(project, ("many",), NOTHING) == scan(other, ("many",), NOTHING)


def test_a_callers_digests_are_used(project: Path) -> None:
    asked = []

    def digest(path: Path, status: os.stat_result) -> str:
        asked.append((path.name, status.st_size))
        return "known"

    (file,) = scan(project, ("app/main.py",), NOTHING, digest)
    assert (file.digest, asked) == ("known", [("main.py", 4)])
