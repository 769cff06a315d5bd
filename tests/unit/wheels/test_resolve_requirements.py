from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.platform import Platform
from lightship.wheels.request import ResolveRequest, request_inputs, request_lines
from lightship.wheels.requirements import find_links, index_urls, read_requirements

FILE = r"""
# a comment
Torch == 2.9.0 ; python_version < "3.12"   # why
numpy==2.0 \
    --hash=sha256:1234 \
    --hash=sha256:5678
-r more/base.txt
-c limits.txt
--extra-index-url https://me:secret@h/simple
-i=https://main/simple
-fwheels
--find-links=https://links/
./local
requests[security] @ https://h/r.whl
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text(FILE)
    (tmp_path / "more" / "base.txt").write_text("\ufeffflask\n-r ../requirements.txt\n", encoding="utf-8")
    (tmp_path / "limits.txt").write_text("flask<3")
    return tmp_path


def test_requirements_are_found_with_file_and_line_through_inclusions(folder: Path) -> None:
    lines = read_requirements([folder / "requirements.txt"])
    found = [(line.name, line.path.name, line.line, line.is_constraint) for line in lines if line.name]
    assert found == [
        ("torch", "requirements.txt", 3, False),
        ("numpy", "requirements.txt", 4, False),
        ("flask", "base.txt", 1, False),
        ("flask", "limits.txt", 1, True),
        ("requests", "requirements.txt", 14, False),
    ]


def test_options_name_indexes_and_links(folder: Path) -> None:
    lines = read_requirements([folder / "requirements.txt"])
    assert index_urls(lines) == ["https://me:secret@h/simple", "https://main/simple"]
    assert find_links(lines) == [f"{folder}/wheels", "https://links/"]


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="No such file") as raised:
        read_requirements([folder / "nothere.txt"])
    assert raised.value.where == f"{folder}/nothere.txt"


PYPROJECT = """
[project]
dependencies = ["fastapi"]
[project.optional-dependencies]
CPU_only = [
    "torch>2",
]
[dependency-groups]
run = ["gunicorn", {include-group = "base"}]
base = ["psycopg"]
"""


def request(folder: Path, **more: object) -> ResolveRequest:
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return ResolveRequest(
        folder=folder,
        python="3.11",
        platform=Platform("amd64"),
        pyproject=Path("pyproject.toml"),
        **more,  # type: ignore[arg-type]
    )


def test_extras_and_groups_of_the_project_count_with_their_lines(tmp_path: Path) -> None:
    lines = request_lines(request(tmp_path, extras=("cpu-only",), groups=("run",), inline=("uvicorn",)))
    assert [(line.text, line.line) for line in lines] == [
        ("uvicorn", 0),
        ("fastapi", 3),
        ("torch>2", 6),
        ("gunicorn", 9),
        ("psycopg", 10),
    ]


@pytest.mark.parametrize(("kind", "said"), [("extras", "extra 'gpu'"), ("groups", "group 'gpu'")])
def test_an_extra_or_group_that_is_not_there_is_told(tmp_path: Path, kind: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        request_lines(request(tmp_path, **{kind: ("gpu",)}))
    assert "it has:" in raised.value.hint


def test_inputs_change_with_what_is_asked_for_and_not_with_comments_or_folders(tmp_path: Path) -> None:
    def inputs(name: str, text: str, **more: object) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "r.txt").write_text(text)
        return request_inputs(request(folder, requirements=(Path("r.txt"),), **more))

    first = inputs("a", "flask  # the web\n")
    assert inputs("b", "# other words\nflask\n") == first
    assert inputs("c", "flask>2\n") != first
    assert inputs("d", "flask\n", torch="cpu") != first
    assert inputs("e", "flask\n", glibc=(2, 41)) != first
