from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from lightship.build.building import plan_project
from lightship.build.elsewhere import needs_machine
from lightship.build.machine import Machine
from lightship.build.making import Request
from lightship.build.platforms import build_platforms, join_images
from lightship.digest import of_bytes
from lightship.errors import UsageError
from lightship.plan.model import Additions, Plan
from lightship.plan.stages import StageLayer, StagePlan
from lightship.platform import Platform
from lightship.wheels.model import LockedSdist, SourceBuild
from tests.support.locked import Locked, locked_project, write_lock_for

AMD64, ARM64 = Platform("amd64"), Platform("arm64")
REQUEST = Request(variant="none", platform=AMD64, locked=True)
SDIST = LockedSdist("slow", "1.0", "slow-1.0.tar.gz", "https://example.com/slow-1.0.tar.gz", "0" * 64, 9)


@pytest.fixture
def both(tmp_path: Path) -> Locked:
    made = locked_project(tmp_path)
    write_lock_for(made, AMD64, ARM64)
    return made


def plan_of(made: Locked) -> Plan:
    return plan_project(made.project(), "none", ARM64, made.machine(), locked=True)


def needs(made: Locked, plan: Plan) -> list[str]:
    return list(needs_machine(made.project(), plan, [None] * len(plan.layers), made.machine()))


def test_wheels_and_packages_need_no_machine(both: Locked) -> None:
    assert needs(both, plan_of(both)) == []


def test_a_source_without_a_wheel_must_be_compiled(both: Locked) -> None:
    compiled = "slow 1.0 has no wheel, and must be compiled from slow-1.0.tar.gz"
    builds = (SourceBuild(SDIST, ()),)
    assert needs(both, msgspec.structs.replace(plan_of(both), builds=builds)) == [compiled]
    additions = Additions("development", builds=builds)
    assert needs(both, msgspec.structs.replace(plan_of(both), additions=additions)) == [compiled]


def test_a_stage_must_run_where_its_layer_is_not_there(both: Locked) -> None:
    stage = StagePlan("model", of_bytes(b""), "3.11", ("make",))
    plan = plan_of(both)
    layer = StageLayer("model", stage.origin, (("/out", "app/models"),))
    plan = msgspec.structs.replace(plan, stages=(stage,), layers=(*plan.layers, layer))
    assert needs(both, plan) == ["stage 'model' must run"]
    output = both.machine().home.cache / "stages" / stage.origin.digest.partition(":")[2]
    output.mkdir(parents=True)
    assert needs(both, plan) == [], "its output was brought here"


def test_tracing_starts_the_service(both: Locked) -> None:
    with (both.folder / "lightship.toml").open("a") as file:
        file.write('trim = "traced"\nhealth = "http://:8000/health"\n[check]\ncommand = ["check"]\n')
    assert ["must be started" in need for need in needs(both, plan_of(both))] == [True]


def test_all_that_is_needed_is_said_before_anything_is_built(
    both: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "platform", AMD64)
    found = iter([["slow must be compiled", "stage 'model' must run"]])
    monkeypatch.setattr("lightship.build.elsewhere.needs_machine", lambda *_: next(found))
    machine = both.machine()
    with pytest.raises(UsageError, match="image for linux/arm64 is made from") as caught:
        build_platforms(both.project(), REQUEST, (AMD64, ARM64), machine)
    assert caught.value.detail.splitlines() == [
        "linux/arm64: slow must be compiled",
        "linux/arm64: stage 'model' must run",
    ]
    assert not machine.home.images.path.exists()


@pytest.mark.parametrize("own", [AMD64, ARM64], ids=str)
def test_this_machines_image_is_first_and_alone_is_recorded(
    both: Locked, monkeypatch: pytest.MonkeyPatch, own: Platform
) -> None:
    monkeypatch.setattr(Machine, "platform", own)
    asked: list[Request] = []
    build = build_platforms.__globals__["build_project"]

    def note(project: object, request: Request, machine: Machine) -> object:
        asked.append(request)
        return build(project, replace(request, record=False), machine)

    monkeypatch.setattr("lightship.build.platforms.build_project", note)
    machine = both.machine()
    images = build_platforms(both.project(), replace(REQUEST, record=True), (AMD64, ARM64), machine)
    assert [plan.platform for plan, _ in images] == [AMD64, ARM64]
    assert {request.platform: request.record for request in asked} == {own: True, _other(own): False}
    assert asked[0].platform == own
    assert join_images(images[:1], machine) == images[0][1].descriptor


def _other(platform: Platform) -> Platform:
    return ARM64 if platform == AMD64 else AMD64
