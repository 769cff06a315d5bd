from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Lightship

DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /app
RUN pip install fastapi
COPY app app
USER 1
CMD ["uvicorn", "app:app"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "service"
    (made / "app").mkdir(parents=True)
    (made / "app" / "__init__.py").touch()
    (made / "Dockerfile").write_text(DOCKERFILE)
    monkeypatch.chdir(made)
    return made


def test_it_shows_and_writes(lightship: Lightship, folder: Path) -> None:
    shown = lightship("migrate")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == (
        '# From Dockerfile, by lightship migrate.\npython = "3.11"\nbase = "debian:bookworm"\n'
        'sources = ["app/"]\n'
        'workdir = "/app"\nuser = "appuser:1:1"\ncommand = ["uvicorn", "app:app"]\n\n'
        '[variants.none]\nrequirements = ["requirements-inline.txt"]\ntorch = "none"\n\n'
        "   1  FROM python:3.11-slim\n"
        '      carried over: python = "3.11", base = "debian:bookworm": Debian\'s own Python 3.11\n'
        "   2  WORKDIR /app\n"
        '      carried over: workdir = "/app"\n'
        "   3  RUN pip install fastapi\n"
        "      carried over: requirements: fastapi (in requirements-inline.txt)\n"
        "   4  COPY app app\n"
        '      carried over: sources = ["app/"]\n'
        "   5  USER 1\n"
        '      carried over: user = "appuser:1:1"\n'
        '   6  CMD ["uvicorn", "app:app"]\n'
        "      carried over: command: uvicorn app:app\n"
        "6 carried over\n"
        "wrote lightship.toml\n"
        "wrote requirements-inline.txt\n"
    )
    assert (folder / "requirements-inline.txt").read_text() == "fastapi\n"


def test_stdout_writes_nothing(lightship: Lightship, folder: Path) -> None:
    shown = lightship("migrate", "--stdout", "Dockerfile")
    assert shown.out.startswith("# From Dockerfile")
    assert shown.out.rstrip().endswith('torch = "none"')
    assert "6 carried over\nrequirements-inline.txt would hold: fastapi\n" in shown.err
    assert sorted(path.name for path in folder.iterdir()) == ["Dockerfile", "app"]


def test_something_left_is_exit_code_1(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"{DOCKERFILE}VOLUME /data\n")
    shown = lightship("migrate")
    assert shown.code == 1
    assert (
        "   7  VOLUME /data\n      by hand: an image of Lightship declares no volume\n"
        "        try: mount a volume where it is run: lightship run --volume, or the platform's own way\n"
    ) in shown.out
    assert (folder / "lightship.toml").is_file()


def test_a_configuration_that_is_there_is_exit_code_2(lightship: Lightship, folder: Path) -> None:
    (folder / "lightship.toml").write_text("")
    refused = lightship("migrate")
    assert refused.code == 2
    assert "cannot proceed: the project has a configuration already" in refused.err
    assert lightship("migrate", "--force").code == 0


def test_json(lightship: Lightship, folder: Path) -> None:
    made = json.loads(lightship("migrate", "--json", "--stdout").out)
    assert made["complete"] is True
    assert made["written"] == []
    assert made["files"] == {"requirements-inline.txt": "fastapi\n"}
    assert made["configuration"]["command"] == ["uvicorn", "app:app"]
    assert made["rows"][2] == {
        "line": 3,
        "text": "RUN pip install fastapi",
        "kind": "carried over",
        "message": "requirements: fastapi (in requirements-inline.txt)",
        "hint": "",
    }
    assert json.loads(lightship("migrate", "--json").out)["written"] == [
        "lightship.toml",
        "requirements-inline.txt",
    ]
    assert (folder / "lightship.toml").is_file()


def test_a_syntax_error_is_as_lint_gives_it(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM a\nRUNN b\n")
    shown = lightship("migrate")
    assert shown.code == 2
    assert shown.out == (
        "Dockerfile:2:1: error: unknown instruction: RUNN [LD000-syntax]\n  try: did you mean RUN?\n"
    )
    assert json.loads(lightship("migrate", "--json").out)["findings"][0]["line"] == 2
    assert not (folder / "lightship.toml").exists()


def test_the_context_may_be_another_folder(lightship: Lightship, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "docker"
    other.mkdir()
    (folder / "Dockerfile").rename(other / "Dockerfile.prod")
    assert lightship("migrate", other, "--context", folder).code == 0
    assert (folder / "lightship.toml").is_file()
    assert "no such folder" in lightship("migrate", other, "--context", folder / "none").err


def test_of_several_files_one_must_be_named(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").rename(folder / "Dockerfile.a")
    (folder / "Dockerfile.b").write_text(DOCKERFILE)
    refused = lightship("migrate")
    assert refused.code == 2
    assert "name one of them: Dockerfile.a, Dockerfile.b" in refused.err
    assert lightship("migrate", "Dockerfile.b", "--target", "none").code == 2
