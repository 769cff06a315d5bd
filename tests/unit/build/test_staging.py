from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from lightship.build.staging import run_in_order, stage_sources
from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.plan.planner import Selection
from lightship.plan.stages import StagePlan, Taken
from lightship.platform import Platform
from tests.support.locked import locked_project

ROOT = Digest("sha256:" + "0" * 64)


def stage(name: str, *after: StagePlan) -> StagePlan:
    takes = tuple(Taken(other.origin, "/out", other.name) for other in after)
    return StagePlan(name, ROOT, "3.11", (name,), takes=takes)


def test_every_stage_runs_after_those_it_takes_from() -> None:
    first = stage("first")
    middle = [stage("one", first), stage("two", first)]
    last = stage("last", *middle)
    ran: list[str] = []
    run_in_order([last, *middle, first], lambda stage: ran.append(stage.name), threading.Event())
    assert (ran[0], ran[-1], sorted(ran)) == ("first", "last", ["first", "last", "one", "two"])


def test_two_that_do_not_need_each_other_run_at_once() -> None:
    both = threading.Barrier(2, timeout=5)

    def run(_: StagePlan) -> None:
        both.wait()

    run_in_order([stage("one"), stage("two")], run, threading.Event())


def test_the_first_failure_ends_the_others_and_starts_no_more() -> None:
    stop, ran = threading.Event(), []

    def run(stage: StagePlan) -> None:
        ran.append(stage.name)
        if stage.name == "bad":
            raise RuntimeError("bad")
        assert stop.wait(5)

    bad = stage("bad")
    before = time.monotonic()
    with pytest.raises(RuntimeError, match="bad"):
        run_in_order([bad, stage("slow"), stage("never", bad)], run, stop)
    assert "never" not in ran
    assert time.monotonic() - before < 4


def test_what_was_made_before_is_not_waited_for() -> None:
    ran: list[str] = []
    run_in_order([stage("last", stage("there"))], lambda stage: ran.append(stage.name), threading.Event())
    assert ran == ["last"]


CONFIGURATION = """
[stages.model]
inputs = [{inputs}]
run = ["make"]
copy = {{ "/out/a" = "/app/a" }}
"""


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ('"missing/"', "stage 'model': input 'missing/' is not there"),
        ('"../other"', "stage 'model': input '../other' lies outside the project"),
        ('"app", "left-out"', "stage 'model': input 'left-out' has no files"),
    ],
)
def test_inputs_that_are_not_there_are_named(tmp_path: Path, inputs: str, words: str) -> None:
    made = locked_project(tmp_path)
    (made.folder / "left-out").mkdir()
    (made.folder / "left-out" / "x.pyc").touch()
    (made.folder / "lightship.toml").write_text(CONFIGURATION.format(inputs=inputs))
    selection = Selection(ROOT, "bookworm", "3.11", (), ())
    with pytest.raises(UsageError) as error:
        stage_sources(made.project(), "none", Platform("amd64"), selection, made.machine())
    assert error.value.message == words
    assert "[tool.lightship.stages.model]" in error.value.hint


def test_inputs_are_files_of_the_project_each_once(tmp_path: Path) -> None:
    made = locked_project(tmp_path)
    (made.folder / "lightship.toml").write_text(CONFIGURATION.format(inputs='"app/main.py", "app"'))
    selection = Selection(ROOT, "bookworm", "3.11", (), ())
    found = stage_sources(made.project(), "none", Platform("amd64"), selection, made.machine())
    assert [file.path for file in found.inputs["model"]] == ["app/main.py"]
