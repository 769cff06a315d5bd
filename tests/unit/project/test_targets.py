from __future__ import annotations

from pathlib import Path

import pytest

from lightship.errors import UsageError
from lightship.project.config import Config, TargetConfig
from lightship.project.detect import Project
from lightship.project.targets import TOOLS, declared_targets, find_target, reload_command

SERVE = ("uvicorn", "app:app", "--host", "0.0.0.0")  # noqa: S104 - of a container


def project(folder: Path, **targets: TargetConfig) -> Project:
    return Project(folder, Config(name="demo", command=SERVE, ports=(8080,), targets=targets), None)


def test_production_is_the_configuration_as_it_is(tmp_path: Path) -> None:
    found = find_target(project(tmp_path), "production")
    assert found.is_production
    assert (found.command, found.requirements, found.packages, found.env) == (SERVE, (), (), {})
    assert not found.reloads


def test_development_is_there_without_any_configuration(tmp_path: Path) -> None:
    found = find_target(project(tmp_path), "development")
    assert (found.requirements, found.packages) == ((), TOOLS)
    assert found.command == (*SERVE, "--reload")
    assert found.reloads
    assert declared_targets(project(tmp_path)) == ()


def test_development_has_the_usual_file_of_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements-dev.txt").write_text("pytest\n")
    assert find_target(project(tmp_path), "development").requirements == ("requirements-dev.txt",)
    assert declared_targets(project(tmp_path)) == ("development",)


def test_what_is_configured_is_no_default(tmp_path: Path) -> None:
    (tmp_path / "requirements-dev.txt").write_text("pytest\n")
    own = TargetConfig(requirements=(), packages=("gdb",), command=("serve",), env={"A": "b"})
    found = find_target(project(tmp_path, development=own), "development")
    assert (found.requirements, found.packages, found.command, found.env) == (
        (),
        ("gdb",),
        ("serve",),
        {"A": "b"},
    )


def test_a_target_of_the_users_own_has_productions_command_and_nothing_else(tmp_path: Path) -> None:
    found = find_target(project(tmp_path, profiling=TargetConfig(packages=("gdb",))), "profiling")
    assert (found.command, found.packages, found.requirements) == (SERVE, ("gdb",), ())
    assert declared_targets(project(tmp_path, profiling=TargetConfig())) == ("profiling",)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("developmnt", "did you mean 'development'?"),
        ("prodution", "did you mean 'production'?"),
        ("profilng", "did you mean 'profiling'?"),
        ("x", "known targets: development, production, profiling"),
    ],
)
def test_an_unknown_target_suggests_the_nearest(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"unknown target '{name}'") as caught:
        find_target(project(tmp_path, profiling=TargetConfig()), name)
    assert (caught.value.hint, caught.value.where) == (hint, str(tmp_path))


UVICORN = "uvicorn app.main:app --reload --host 0.0.0.0 --port 8080"


@pytest.mark.parametrize(
    ("command", "reloading"),
    [
        ("uvicorn app:app", "uvicorn app:app --reload"),
        ("python -m uvicorn app:app", "python -m uvicorn app:app --reload"),
        ("/opt/venv/bin/hypercorn app:app", "/opt/venv/bin/hypercorn app:app --reload"),
        ("uvicorn app:app --reload", "uvicorn app:app --reload"),
        ("gunicorn app:app --bind 0.0.0.0:8080", "gunicorn app:app --bind 0.0.0.0:8080 --reload"),
        ("gunicorn app.main:app -b 0.0.0.0:80 -k uvicorn.workers.UvicornWorker -w 4", UVICORN),
        ("gunicorn -k uvicorn_worker.UvicornWorker app.main:app", UVICORN),
        ("flask run", "flask run --reload"),
        ("fastapi dev app.py", "fastapi dev app.py"),
        ("python app.py", "python app.py"),
        ("celery worker --uvicorn", "celery worker --uvicorn"),
    ],
)
def test_servers_reload(command: str, reloading: str) -> None:
    assert " ".join(reload_command(command.split(), 8080)) == reloading
