from __future__ import annotations

import os
from pathlib import Path

import pytest

from lightship.engines.programs import Answer, MachinePrograms

SCRIPT = '#!/bin/sh\necho "out $1 $ADDED"\necho err >&2\nexit 3\n'


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tool").write_text(SCRIPT)
    (tmp_path / "tool").chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin"}


def test_programs_are_found_in_the_path_that_is_passed_in(environ: dict[str, str]) -> None:
    assert MachinePrograms(environ).has("tool")
    assert not MachinePrograms({"PATH": "/nonexistent"}).has("tool")


def test_what_is_asked_is_returned(environ: dict[str, str]) -> None:
    assert MachinePrograms(environ).ask("tool", "a") == Answer(3, "out a \n", "err\n")


def test_what_is_shown_goes_to_the_descriptor_as_it_comes(environ: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "shown").open("wb") as shown:
        programs = MachinePrograms(environ, shown.fileno())
        assert programs.show("tool", "a", environ={"ADDED": "b"}) == Answer(3)
    assert (tmp_path / "shown").read_text() == "out a b\nerr\n"


def test_what_is_not_shown_is_kept_to_its_end(environ: dict[str, str]) -> None:
    programs = MachinePrograms(environ)
    assert programs.show("tool", "a", environ={"ADDED": "b"}) == Answer(3, err="out a b\nerr\n")
    long = programs.show("sh", "-c", "seq 2000", environ={})
    assert len(long.err) == 4000
    assert long.err.endswith("2000\n")


def test_variables_are_not_shown() -> None:
    assert "secret" not in repr(MachinePrograms({"TOKEN": "secret", "PATH": os.defpath}))
