from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.cli import main
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
        monkeypatch.setattr(sys, "argv", ["lightship", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, out, err)

    return call


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry on loopback; credentials of this machine count for nothing."""
    for name in ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield server
