from __future__ import annotations

import json

from tests.support.locked import Locked, write_lock_with_target
from tests.unit.cli.conftest import Lightship

WRITTEN = [
    ".dockerignore",
    "Dockerfile",
    "compose.yaml",
    "docker-bake.hcl",
    "docker/requirements/none-development.txt",
    "docker/requirements/none.txt",
    "docker/slim.py",
    "docker/slim/none-development-wheels.json",
    "docker/slim/none-wheels.json",
]


def test_files_are_written_once_and_checked(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    missing = lightship("dockerfile", made.folder, "--check", "--offline")
    assert missing.code == 1
    assert "9 files are missing or stale" in missing.err
    shown = lightship("dockerfile", made.folder, "--offline")
    assert shown.code == 0, shown.err
    assert sorted(line.removeprefix("wrote ") for line in shown.out.splitlines()) == WRITTEN
    assert lightship("dockerfile", made.folder, "--offline").out == "9 files are as they should be\n"
    assert lightship("dockerfile", made.folder, "--offline", "--check").code == 0
    again = json.loads(lightship("dockerfile", made.folder, "--offline", "--json").out)
    assert again == {"files": WRITTEN, "written": []}


def test_a_stale_file_fails_the_check(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    lightship("dockerfile", made.folder, "--offline")
    (made.folder / "lightship.toml").write_text('user = "other:7:7"\n')
    stale = lightship("dockerfile", made.folder, "--offline", "--check")
    assert stale.code == 1
    assert "Dockerfile" in stale.err


def test_stdout_writes_no_file(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    shown = lightship("dockerfile", made.folder, "--offline", "--stdout", "--style", "venv", "--portable")
    assert shown.out.startswith("# Made by `lightship dockerfile --style venv --portable`")
    assert not (made.folder / "Dockerfile").exists()


def test_a_foreign_dockerfile_is_left(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    (made.folder / "Dockerfile").write_text("FROM mine\n")
    refused = lightship("dockerfile", made.folder, "--offline")
    assert refused.code == 2
    assert "--force" in refused.err


def test_requirements_that_are_ignored_are_warned_of(lightship: Lightship, made: Locked) -> None:
    write_lock_with_target(made)
    (made.folder / ".dockerignore").write_text("docker\n")
    assert (
        ".dockerignore leaves out docker/requirements/none.txt"
        in lightship("dockerfile", made.folder, "--offline").err
    )
