from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lightship.cli.main import cli
from lightship.errors import UsageError
from lightship.project.config import read_config
from lightship.project.detect import read_project

APPLICATION = 'from fastapi import FastAPI\napp = FastAPI()\n@app.get("/healthz")\ndef health(): ...\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(APPLICATION)
    (tmp_path / "requirements.txt").write_text("fastapi\nuvicorn\n")
    return tmp_path


def init(folder: Path) -> dict[str, list[str]]:
    result = CliRunner().invoke(cli, ["init", str(folder), "--json"], catch_exceptions=False)
    answer: dict[str, list[str]] = json.loads(result.output)
    return answer


def test_what_was_detected_is_what_is_written(folder: Path) -> None:
    detected = read_project(folder).config
    answer = init(folder)
    assert answer["written"] == [str(folder / "lightship.toml"), str(folder / ".dockerignore")]
    assert read_config(folder)[0] == detected
    assert detected.health == "http://:8000/healthz"


def test_a_pyproject_keeps_what_it_had(folder: Path) -> None:
    text = '[project]\nname = "demo"  # mine\n'
    (folder / "pyproject.toml").write_text(text)
    init(folder)
    assert (folder / "pyproject.toml").read_text().startswith(text)
    assert read_config(folder)[0].name == "demo"


def test_it_says_whether_torch_is_used(folder: Path) -> None:
    assert init(folder)["found"][-1] == "PyTorch is not imported, nor what always needs it"
    (folder / "lightship.toml").unlink()
    (folder / "app" / "embed.py").write_text('import sentence_transformers\nDEVICE = "cuda"\n')
    assert init(folder)["found"][-1] == (
        "PyTorch is needed: app/embed.py:1 imports sentence_transformers, "
        "and CUDA is asked for at app/embed.py:2"
    )


def test_a_configuration_is_never_overwritten(folder: Path) -> None:
    (folder / ".dockerignore").write_text("mine\n")
    init(folder)
    assert (folder / ".dockerignore").read_text() == "mine\n"
    with pytest.raises(UsageError, match="has a configuration already"):
        CliRunner().invoke(cli, ["init", str(folder)], catch_exceptions=False)


def test_the_target_for_development_is_mentioned(folder: Path) -> None:
    (folder / "requirements-dev.txt").write_text("pytest\n")
    command = "uvicorn app.main:app --host 0.0.0.0 --port 8000 --reload"
    assert f"target development: requirements-dev.txt, a shell, `{command}`" in init(folder)["found"]
