from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as with_fields

from lightship.build.image import Built
from lightship.build.making import Request, build_project
from lightship.build.recording import Recorder
from lightship.errors import CheckError, StartError, UsageError
from lightship.oci.estargz import TOC_DIGEST
from lightship.oci.layout import LayoutImage
from lightship.oci.record import Compression
from lightship.plan.model import BytecodeLayer, Plan, WheelsLayer
from lightship.platform import Platform
from lightship.project.start import Start, read_start, write_start
from tests.support.locked import Locked, locked_project, write_lock_with_target

NATIVE = Platform({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])
TRACED = """\
trim = "traced"
health = "http://:8000/health"
[check]
command = ["check"]
"""
START = Start(
    "3.11",
    distributions={"demo": "1.0", "other": "1.0"},
    modules={"demo": ("demo.py",)},
    opened={"amd64": {"demo": ("demo.py",), "other": ()}},
    system={"amd64": ("usr/bin/demo",)},
)
REQUEST = Request(variant="none", platform=Platform("amd64"), locked=True)
pytestmark = pytest.mark.skipif(Platform("amd64") != NATIVE, reason="the lock of these tests is for amd64")


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


def build(made: Locked, request: Request = REQUEST) -> tuple[Plan, Built]:
    return build_project(made.project(), request, made.machine())


def path_of(made: Locked) -> Path:
    return made.folder / "start.none.json"


def test_without_a_record_only_the_application_has_bytecode(made: Locked) -> None:
    plan, built = build(made)
    assert [layer.title for layer in plan.layers if isinstance(layer, BytecodeLayer)] == [
        "bytecode: application"
    ]
    assert any("the start is not recorded" in note for note in built.notes)


def test_a_record_that_is_there_is_used(made: Locked) -> None:
    write_start(path_of(made), START)
    plan, built = build(made)
    assert [layer.title for layer in plan.layers if isinstance(layer, BytecodeLayer)] == [
        "bytecode: demo",
        "bytecode: application",
    ]
    assert not any("recorded" in note for note in built.notes)


def test_a_record_of_another_python_is_none(made: Locked) -> None:
    write_start(path_of(made), replace_python(START, "3.12"))
    _, built = build(made)
    assert any("the start is not recorded" in note for note in built.notes)


def replace_python(start: Start, python: str) -> Start:
    import msgspec

    return msgspec.structs.replace(start, python=python)


def test_where_nothing_can_be_started_a_note_says_why(made: Locked) -> None:
    _, built = build(made, replace(REQUEST, locked=False))
    assert any("no bytecode of what starts: bubblewrap is not installed" in note for note in built.notes)


def test_who_asks_for_a_record_gets_it_or_an_error(made: Locked) -> None:
    with pytest.raises(UsageError, match="bubblewrap is not installed"):
        build(made, replace(REQUEST, locked=False, record=True))


def test_tracing_insists_on_the_record(made: Locked) -> None:
    (made.folder / "lightship.toml").write_text(TRACED)
    with pytest.raises(CheckError, match="the start is not recorded") as caught:
        build(made)
    assert caught.value.where == str(path_of(made))
    with pytest.raises(UsageError, match="bubblewrap"):
        build(made, replace(REQUEST, locked=False))


def test_a_record_that_is_damaged_is_named(made: Locked) -> None:
    path_of(made).write_text("{")
    with pytest.raises(UsageError, match="the recorded start cannot be read") as caught:
        build(made)
    assert caught.value.where == str(path_of(made))


class Fake:
    """Stands for the sandbox: writes down what is asked of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, failing: int = 0) -> None:
        self.recorded, self.proven, self.failing = 0, 0, failing
        monkeypatch.setattr("lightship.build.sandbox.Sandbox.find", lambda _: self)
        monkeypatch.setattr("lightship.build.recording.Recorder.record", self.record)
        monkeypatch.setattr("lightship.build.proving.prove_start", self.prove)

    def record(self, _plan: Plan, _image: LayoutImage) -> Start:
        self.recorded += 1
        if self.failing:
            self.failing -= 1
            raise StartError("it did not start")
        return START

    def prove(self, *_: object) -> bool:
        self.proven += 1
        return True


def test_a_start_is_recorded_once(made: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(monkeypatch)
    for _ in range(2):
        plan, _ = build(made, replace(REQUEST, locked=False))
        assert any(layer.title == "bytecode: demo" for layer in plan.layers)
    assert (fake.recorded, fake.proven) == (1, 0)
    assert read_start(path_of(made)) == START
    assert json.loads(path_of(made).read_text())["modules"] == {"demo": ["demo.py"]}
    build(made, replace(REQUEST, locked=False, record=True))
    assert fake.recorded == 2


def test_for_estargz_a_start_is_recorded_with_what_it_opens(
    made: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made.folder / "lightship.toml").write_text('bytecode = "none"')
    asked: list[tuple[bool, set[bool]]] = []

    def record(recorder: Recorder, _plan: Plan, image: LayoutImage) -> Start:
        asked.append((recorder.traced, {bool(layer.annotations) for layer in image.manifest.layers}))
        return START

    Fake(monkeypatch)
    monkeypatch.setattr("lightship.build.recording.Recorder.record", record)
    lazy = replace(REQUEST, locked=False, compression=Compression.ESTARGZ)
    for _ in range(2):
        _, built = build(made, lazy)
        assert all(TOC_DIGEST in layer.record.descriptor.annotations for layer in built.layers)
        assert not any("record" in note for note in built.notes)
    build(made, replace(REQUEST, locked=False, record=True))
    assert asked == [(True, {False}), (False, {False})]


def test_what_of_a_start_is_not_known_for_estargz_is_said(made: Locked) -> None:
    lazy = replace(REQUEST, compression=Compression.ESTARGZ)
    (note,) = (note for note in build(made, lazy)[1].notes if "recorded" in note)
    assert note.startswith("no bytecode of what starts and no start-up files to fetch first: the start is")
    (made.folder / "lightship.toml").write_text('bytecode = "none"')
    (note,) = (note for note in build(made, lazy)[1].notes if "recorded" in note)
    assert note.startswith("no start-up files to fetch first: the start is not recorded")
    write_start(path_of(made), with_fields(START, opened={"arm64": {}}))
    (note,) = (note for note in build(made, lazy)[1].notes if "recorded" in note)
    assert note.startswith("of the start on linux/amd64 imports are recorded, and not what else it opens")
    write_start(path_of(made), with_fields(START, system={"arm64": ()}))
    (note,) = (note for note in build(made, lazy)[1].notes if "recorded" in note)
    assert note.startswith(
        "of the start on linux/amd64 imports are recorded, and not files of Debian packages"
    )
    write_start(path_of(made), START)
    assert not [note for note in build(made, lazy)[1].notes if "recorded" in note]


def test_a_start_that_failed_is_not_tried_again_until_something_changes(
    made: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(monkeypatch, failing=9)
    request = replace(REQUEST, locked=False)
    notes = [build(made, request)[1].notes for _ in range(2)]
    assert fake.recorded == 1
    assert all("it did not start" in " ".join(each) for each in notes)
    assert "--record" in " ".join(notes[1])
    (made.folder / "app/main.py").write_text("from fastapi import FastAPI\napp = FastAPI(debug=True)\n")
    build(made, request)
    assert fake.recorded == 2


def test_what_was_traced_is_proven_once_for_each_image(made: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    (made.folder / "lightship.toml").write_text(TRACED)
    fake = Fake(monkeypatch)
    request = replace(REQUEST, locked=False)
    for _ in range(2):
        plan, _ = build(made, request)
        kept = [layer.keep for layer in plan.layers if isinstance(layer, WheelsLayer)]
        assert {name: paths for each in kept for name, paths in each.items()} == START.opened["amd64"]
    assert (fake.recorded, fake.proven) == (1, 1)


def test_what_does_not_work_any_more_is_traced_anew(made: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    (made.folder / "lightship.toml").write_text(TRACED)
    write_start(path_of(made), START)
    fake = Fake(monkeypatch)
    answers = iter([StartError("a file is missing"), None])

    def prove(*_: object) -> bool:
        if error := next(answers):
            raise error
        return True

    monkeypatch.setattr("lightship.build.proving.prove_start", prove)
    build(made, replace(REQUEST, locked=False))
    assert fake.recorded == 1


def test_a_locked_build_does_not_record_anew(made: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    (made.folder / "lightship.toml").write_text(TRACED)
    write_start(path_of(made), START)
    fake = Fake(monkeypatch)

    def prove(*_: object) -> bool:
        raise StartError("a file is missing")

    monkeypatch.setattr("lightship.build.proving.prove_start", prove)
    with pytest.raises(StartError, match="a file is missing"):
        build(made)
    assert fake.recorded == 0


@pytest.mark.parametrize("text", ["", TRACED])
def test_of_another_target_nothing_is_recorded_or_proven(
    made: Locked, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (made.folder / "lightship.toml").write_text(text)
    write_lock_with_target(made)
    fake = Fake(monkeypatch)
    development = replace(REQUEST, target="development")
    without, _ = build(made, development)
    assert not any(layer.title == "bytecode: demo" for layer in without.layers)
    assert not path_of(made).exists()
    write_start(path_of(made), START)
    plan, _ = build(made, development)
    assert [layer.title for layer in plan.layers if isinstance(layer, BytecodeLayer)] == [
        "bytecode: demo",
        "bytecode: application",
    ]
    assert not any(layer.keep for layer in plan.layers if isinstance(layer, WheelsLayer))
    assert (fake.recorded, fake.proven) == (0, 0)
