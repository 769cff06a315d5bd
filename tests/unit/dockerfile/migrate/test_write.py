from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lightship.dockerfile.migrate.model import Migration, merged
from lightship.dockerfile.migrate.write import config_file, write_all
from lightship.errors import UsageError
from lightship.project.config import read_config

MIGRATION = Migration(
    {
        "python": "3.11",
        "command": [
            "gunicorn",
            "app.main:app",
            "--worker-class",
            "uvicorn.workers.UvicornWorker",
            "--bind",
            "0.0.0.0:8000",
        ],
        "env": {"WORKERS": "4"},
        "variants": {"cpu": {"requirements": ["requirements-inline.txt"], "torch": "cpu"}},
        "stages": {"m": {"run": ["true"], "copy": {"/out/a": "/srv/a"}}},
    },
    {"requirements-inline.txt": "fastapi\n"},
    (),
)
TEXT = """\
# From Dockerfile, by lightship migrate.
python = "3.11"
command = [
    "gunicorn", "app.main:app", "--worker-class", "uvicorn.workers.UvicornWorker", "--bind",
    "0.0.0.0:8000",
]

[env]
WORKERS = "4"

[variants.cpu]
requirements = ["requirements-inline.txt"]
torch = "cpu"

[stages.m]
run = ["true"]
copy = {"/out/a" = "/srv/a"}
"""


def test_a_file_of_its_own(tmp_path: Path) -> None:
    written = write_all(tmp_path, MIGRATION, "Dockerfile", force=False)
    assert written == (tmp_path / "lightship.toml", tmp_path / "requirements-inline.txt")
    assert written[0].read_text() == TEXT
    assert written[1].read_text() == "fastapi\n"
    assert read_config(tmp_path)[1] == written[0]


def test_pyproject_keeps_all_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "a"  # mine\n')
    write_all(tmp_path, MIGRATION, "Dockerfile", force=False)
    assert path.read_text().startswith(
        '[project]\nname = "a"  # mine\n\n# From Dockerfile, by lightship migrate.\n'
    )
    assert tomllib.loads(path.read_text())["tool"]["lightship"] == MIGRATION.settings


@pytest.mark.parametrize("name", ["lightship.toml", "pyproject.toml"])
def test_a_configuration_is_not_overwritten_but_by_force(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    old = (
        'python = "3.13"\n'
        if name == "lightship.toml"
        else '[tool.lightship]\npython = "3.13"\n\n[tool.other]\na = 1\n'
    )
    path.write_text(old)
    with pytest.raises(UsageError) as refused:
        write_all(tmp_path, MIGRATION, "Dockerfile", force=False)
    assert (refused.value.where, refused.value.hint) == (
        str(path),
        "look at it with --stdout, or overwrite it with --force",
    )
    assert path.read_text() == old
    write_all(tmp_path, MIGRATION, "Dockerfile", force=True)
    config, _ = read_config(tmp_path)
    assert config.python == "3.11"
    assert ("[tool.other]" in path.read_text()) == (name == "pyproject.toml")


def test_a_requirement_file_is_not_overwritten_but_by_force(tmp_path: Path) -> None:
    (tmp_path / "requirements-inline.txt").write_text("flask\n")
    with pytest.raises(UsageError, match="there is such a file already"):
        write_all(tmp_path, MIGRATION, "Dockerfile", force=False)
    assert not (tmp_path / "lightship.toml").exists()
    write_all(tmp_path, MIGRATION, "Dockerfile", force=True)
    assert (tmp_path / "requirements-inline.txt").read_text() == "fastapi\n"


def test_a_broken_pyproject_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[")
    with pytest.raises(UsageError, match="not TOML"):
        config_file(tmp_path, force=True)


def test_pieces_are_put_together() -> None:
    pieces = ({"a": (1, 2), "t": {"x": 1}}, {"a": (2, 3), "t": {"y": 2}, "s": "old"}, {"s": "new"})
    assert merged(pieces) == {"a": (1, 2, 3), "t": {"x": 1, "y": 2}, "s": "new"}
