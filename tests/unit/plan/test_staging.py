from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.oci.model import Execution
from lightship.oci.record import Compression
from lightship.plan.model import EnvironmentLayer, FilesLayer, Plan, WheelsLayer, layer_key
from lightship.plan.stages import ImageOrigin, StageLayer, StageOrigin, StagePlan, Taken
from lightship.plan.staging import StageSources, with_stages
from lightship.project.config import Config, StageConfig
from lightship.project.sources import SourceFile
from lightship.wheels.model import LockedStage, LockedWheel

A, B = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)
WHEEL = LockedWheel("six", "1", "six-1-py3-none-any.whl", "https://h/six.whl", "1" * 64)
FILE = SourceFile("export/run.py", size=3, digest=A)
STAGE = StagePlan("model", A, "3.11", ("make",), (WHEEL,), (FILE,), (Taken(ImageOrigin("i", B), "/x", "x"),))
LAYER = StageLayer("model", StageOrigin("model", A), (("/out/a", "/app/a"),))
replace = msgspec.structs.replace


def plan() -> Plan:
    layers = (
        EnvironmentLayer("opt/venv", "3.11", "app", 1, 1, "/app"),
        WheelsLayer("opt/venv", "3.11", ()),
        FilesLayer("models", "/app", (SourceFile("m.bin"),)),
        FilesLayer("application", "/app", (SourceFile("main.py"),)),
    )
    return Plan("demo", "onnx", "production", "amd64", layers, Execution(), A)


def sources(**locked: LockedStage) -> StageSources:
    return StageSources(locked, dict.fromkeys(locked, (FILE,)), A, "3.11")


def config(**stages: Any) -> Config:
    return Config(stages={name: StageConfig(**given) for name, given in stages.items()})


def test_layers_of_stages_lie_between_wheels_and_files() -> None:
    given = config(
        model={"run": ("make",), "copy": {"/out/b": "/app/b", "/out/a": "/app/a"}},
        tool={"image": "oci:../tool", "copy": {"/usr/bin/tool": "/usr/local/bin/tool"}},
    )
    locked = {"model": LockedStage((WHEEL,)), "tool": LockedStage(images={"oci:../tool": B})}
    made = with_stages(plan(), given, sources(**locked))
    kinds = [type(layer) for layer in made.layers]
    assert kinds == [EnvironmentLayer, WheelsLayer, StageLayer, StageLayer, FilesLayer, FilesLayer]
    titles = [layer.title for layer in made.layers if isinstance(layer, StageLayer)]
    assert titles == ["stage model: /app/a, /app/b", "stage tool: /usr/local/bin/tool"]
    assert [stage.name for stage in made.stages] == ["model"]
    origins = [layer.origin for layer in made.layers if isinstance(layer, StageLayer)]
    assert origins == [made.stages[0].origin, ImageOrigin("oci:../tool", B)]


def test_a_stage_takes_from_the_origins_of_others() -> None:
    given = config(
        first={"run": ("one",)},
        tool={"image": "tool"},
        last={
            "run": ("two",),
            "copy": {"/out": "/app/x"},
            "from_": {"first:/out/x": "x", "tool:/bin/t": "t", "oci:o:/y": "y"},
        },
    )
    locked = {
        "first": LockedStage(),
        "tool": LockedStage(images={"tool": A}),
        "last": LockedStage(images={"oci:o": B}),
    }
    made = with_stages(plan(), given, sources(**locked))
    first, last = made.stages
    assert [take.origin for take in last.takes] == [
        first.origin,
        ImageOrigin("oci:o", B),
        ImageOrigin("tool", A),
    ]


@pytest.mark.parametrize(
    "other",
    [
        replace(STAGE, root=B),
        replace(STAGE, python="3.13"),
        replace(STAGE, run=("make all",)),
        replace(STAGE, wheels=()),
        replace(STAGE, inputs=(replace(FILE, digest=B),)),
        replace(STAGE, inputs=(replace(FILE, executable=True),)),
        replace(STAGE, takes=(Taken(ImageOrigin("i", A), "/x", "x"),)),
        replace(STAGE, takes=(Taken(ImageOrigin("i", B), "/y", "x"),)),
        replace(STAGE, takes=(Taken(ImageOrigin("i", B), "/x", "y"),)),
    ],
)
def test_the_digest_of_a_stage_changes_with_what_its_commands_see(other: StagePlan) -> None:
    assert other.origin.digest != STAGE.origin.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(STAGE, name="other"),
        replace(STAGE, wheels=(replace(WHEEL, url="file:///elsewhere"),)),
        replace(STAGE, takes=(Taken(ImageOrigin("renamed", B), "/x", "x"),)),
    ],
)
def test_the_digest_of_a_stage_does_not_change_with_names(other: StagePlan) -> None:
    assert other.origin.digest == STAGE.origin.digest


def test_the_key_of_a_layer_changes_with_its_origin_and_what_is_copied() -> None:
    keys = {
        layer_key(layer, Compression.GZIP)
        for layer in (
            LAYER,
            replace(LAYER, origin=StageOrigin("model", B)),
            replace(LAYER, copies=(("/out/a", "/app/b"),)),
            replace(LAYER, stage="renamed"),
        )
    }
    assert len(keys) == 3


@pytest.mark.parametrize("locked", [{}, {"tool": LockedStage()}])
def test_a_lock_that_does_not_know_a_stage_is_refused(locked: dict[str, LockedStage]) -> None:
    given = config(tool={"image": "tool", "copy": {"/a": "/app/a"}})
    with pytest.raises(UsageError, match="does not say what the stage is made from") as error:
        with_stages(plan(), given, sources(**locked))
    assert (error.value.where, error.value.hint) == ("tool", "run `lightship lock`")


def test_a_stage_may_not_write_a_file_of_the_project() -> None:
    given = config(model={"run": ("make",), "copy": {"/out/main.py": "/app/"}})
    with pytest.raises(UsageError, match=r"the project's own files both write /app/main\.py"):
        with_stages(plan(), given, sources(model=LockedStage()))


def test_a_plan_with_stages_is_read_back() -> None:
    made = with_stages(
        plan(), config(model={"run": ("x",), "copy": {"/out": "/o"}}), sources(model=LockedStage())
    )
    assert msgspec.json.decode(msgspec.json.encode(made), type=Plan) == made
