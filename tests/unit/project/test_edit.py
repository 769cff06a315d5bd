from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.project.edit import add_build_package


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '# mine\n[tool.lightship]\nbuild-packages = ["a"] # why\nports = [ 8000 ]\n',
            '# mine\n[tool.lightship]\nbuild-packages = ["a", "libpq-dev"] # why\nports = [ 8000 ]\n',
        ),
        (
            '[tool.lightship]\nbuild-packages = [\n    "a",  # 1\n]\n\n[other]\nx   =  1\n',
            '[tool.lightship]\nbuild-packages = [\n    "a",  # 1\n    "libpq-dev",\n]\n\n[other]\nx   =  1\n',
        ),
        (
            "[tool.lightship]\nports = [8000]  # plain\n",
            '[tool.lightship]\nports = [8000]  # plain\nbuild-packages = ["libpq-dev"]\n',
        ),
        (
            '[project]\nname = "x"\n',
            '[project]\nname = "x"\n\n[tool.lightship]\nbuild-packages = ["libpq-dev"]\n',
        ),
        (
            '[tool.lightship]\nbuild-packages = ["libpq-dev"]\n',
            '[tool.lightship]\nbuild-packages = ["libpq-dev"]\n',
        ),
    ],
)
def test_a_package_is_added_and_everything_else_stays(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(before)
    file.chmod(0o640)
    assert add_build_package(tmp_path, None, "libpq-dev") == file
    assert file.read_text() == after
    assert file.stat().st_mode & 0o777 == 0o640


def test_line_ends_stay(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_bytes(b"[tool.lightship]\r\nports = [1]\r\n")
    add_build_package(tmp_path, file, "a")
    assert file.read_bytes().startswith(b"[tool.lightship]\r\nports = [1]\r\n")


def test_keys_stand_at_the_top_level_of_a_file_of_our_own(tmp_path: Path) -> None:
    file = tmp_path / "lightship.toml"
    file.write_text("ports = [8000]\n\n[variants.cpu]\ntorch = 'cpu'\n")
    add_build_package(tmp_path, file, "a")
    read = tomllib.loads(file.read_text())
    assert read == {"ports": [8000], "build-packages": ["a"], "variants": {"cpu": {"torch": "cpu"}}}


def test_a_project_without_any_file_gets_one(tmp_path: Path) -> None:
    file = add_build_package(tmp_path, None, "a")
    assert file == tmp_path / "lightship.toml"
    assert file.read_text() == 'build-packages = ["a"]\n'


@pytest.mark.parametrize("text", ["[tool", "[tool.lightship]\nbuild-packages = 'a'\n"])
def test_what_cannot_be_changed_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        add_build_package(tmp_path, file, "a")
    assert caught.value.where == str(file)
    assert file.read_text() == text
