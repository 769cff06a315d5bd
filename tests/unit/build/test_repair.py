from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.failure import MissingPackageError
from lightship.build.repair import mending
from lightship.errors import StageError
from lightship.events import SilentReporter
from lightship.project.detect import Project, read_project

CONFIGURATION = """\
[tool.lightship]
command = ["serve"]  # mine
sources = ["app.py"]

[tool.lightship.variants.none]
requirements = ["requirements.txt"]
"""


class Attempt:
    """Fails until the configuration names every one of `wanted`."""

    def __init__(self, *wanted: str) -> None:
        self.wanted = wanted
        self.seen: list[tuple[str, ...]] = []

    def __call__(self, project: Project) -> str:
        self.seen.append(project.config.build_packages)
        for package in self.wanted:
            if package not in project.config.build_packages:
                raise MissingPackageError("it lacks something", package, where="x", hint="y", detail="")
        return "built"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    return read_project(tmp_path)


def test_packages_are_added_one_by_one_until_it_is_built(project: Project) -> None:
    attempt = Attempt("libpq-dev", "libffi-dev")
    assert mending(project, attempt, SilentReporter()) == "built"
    assert attempt.seen == [(), ("libpq-dev",), ("libpq-dev", "libffi-dev")]
    text = (project.folder / "pyproject.toml").read_text()
    assert 'build-packages = ["libpq-dev", "libffi-dev"]' in text
    assert "# mine" in text


def test_a_package_that_does_not_help_is_not_added_for_ever(project: Project) -> None:
    calls = []

    def attempt(given: Project) -> str:
        calls.append(given.config.build_packages)
        raise MissingPackageError("it lacks something", "a", where="x", hint="y", detail="")

    with pytest.raises(MissingPackageError):
        mending(project, attempt, SilentReporter())
    assert calls == [(), ("a",)]


def test_rounds_are_bounded(project: Project) -> None:
    with pytest.raises(MissingPackageError):
        mending(project, Attempt(*(f"package{number}" for number in range(99))), SilentReporter())
    assert len(read_project(project.folder).config.build_packages) == 10


def test_other_errors_pass_and_change_nothing(project: Project) -> None:
    def attempt(_: Project) -> str:
        raise StageError("no")

    with pytest.raises(StageError, match="no"):
        mending(project, attempt, SilentReporter())
    assert (project.folder / "pyproject.toml").read_text() == CONFIGURATION
