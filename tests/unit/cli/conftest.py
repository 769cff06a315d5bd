from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.cli.main import run
from tests.support.locked import Locked, locked_project
from tests.support.registry import Registry, serving


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Lightship = Callable[..., Outcome]


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


@pytest.fixture
def lightship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Lightship:
    """Call the command line in this process, with a home of its own."""
    monkeypatch.setenv("LIGHTSHIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    def call(*arguments: object) -> Outcome:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry on loopback; credentials of this machine count for nothing."""
    for name in ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield server
