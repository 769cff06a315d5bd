from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lightship.build import requesting
from lightship.build.locks import parse_text
from lightship.build.requesting import python_answer
from lightship.platform import Platform
from tests.support.locked import AMD64, Locked, locked_project

Glibc = Mapping[Platform, tuple[int, int]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Glibc]:
    found: list[Glibc] = []

    def resolve_python(_project: Any, _variant: str, glibc: Glibc, _machine: Any, *, upgrade: bool) -> str:
        found.append(glibc)
        return f"{glibc} {upgrade}"

    monkeypatch.setattr(requesting, "resolve_python", resolve_python)
    return found


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Locked:
    return locked_project(tmp_path_factory.mktemp("made"))


def answer(made: Locked, glibc: Glibc, *, locked: bool = True) -> str:
    before = parse_text(made.lock.read_text(), made.lock) if locked else None
    with python_answer(made.project(), "none", before, made.machine(), upgrade=False) as ask:
        return ask(glibc)


def test_the_resolver_begins_for_the_glibc_of_the_lock_before(made: Locked, asked: list[Glibc]) -> None:
    here = {AMD64: (2, 36)}
    assert answer(made, here) == f"{here} False"
    assert asked == [here]


def test_the_resolver_begins_anew_for_another_glibc(made: Locked, asked: list[Glibc]) -> None:
    newer = {AMD64: (2, 41)}
    assert answer(made, newer) == f"{newer} False"
    assert asked == [{AMD64: (2, 36)}, newer]


def test_without_a_lock_of_this_base_the_resolver_waits_for_the_base(
    made: Locked, asked: list[Glibc]
) -> None:
    here = {AMD64: (2, 36)}
    answer(made, here, locked=False)
    (made.folder / "lightship.toml").write_text('base = "debian:trixie"\n')
    answer(made, here)
    made.lock.write_text(made.lock.read_text().replace('"libc6"', '"libc7"'))
    (made.folder / "lightship.toml").write_text("")
    answer(made, here)
    assert asked == [here, here, here]
