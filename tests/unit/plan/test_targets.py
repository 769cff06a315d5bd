"""A target's layers lie over production's, which stay what they are."""

from __future__ import annotations

from typing import TypeGuard

from msgspec.structs import replace

from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.oci.model import Execution
from lightship.oci.record import Compression
from lightship.plan.base import BaseFacts, BaseImage, Interpreter
from lightship.plan.layering import (
    ALONE,
    BUCKETS,
    BUCKETS_OF_TARGET,
    GIANT,
    MOST_ALONE,
    MOST_ALONE_OF_TARGET,
)
from lightship.plan.model import (
    Additions,
    BaseLayer,
    BytecodeLayer,
    FilesLayer,
    LayerPlan,
    Plan,
    ToolsLayer,
    WheelsLayer,
    layer_key,
)
from lightship.plan.planner import Files, Selection, make_plan, with_built
from lightship.plan.staging import StageSources, with_stages
from lightship.platform import Platform
from lightship.project.config import Config, StageConfig
from lightship.project.sources import SourceFile
from lightship.project.start import Paths, Start
from lightship.project.targets import Target
from lightship.wheels.model import LockedLibrary, LockedSdist, LockedStage, LockedWheel, SourceBuild

BASE = LockedDeb("base-files", "1", "amd64", "pool/a.deb", 100, "1" * 64)
PYTHON = LockedDeb("python3.11-minimal", "3.11.2-6", "amd64", "pool/p.deb", 10, "e" * 64)
DASH = LockedDeb("dash", "1", "amd64", "pool/d.deb", 10, "d" * 64)
LIBRARY = LockedLibrary("libx", "libx.so.1", "pytest", "pytest/x.so")
CONFIG = Config(name="demo", command=("serve",), env={"A": "1", "B": "1"}, budget="1MB", ports=(8000,))
LOCK = Digest("sha256:" + "0" * 64)
FACTS = BaseFacts(glibc=(2, 36), cached=(("libz.so.1", "/lib/libz.so.1"),))
BASE_IMAGE = BaseImage(
    "oci:base", LOCK, "amd64", (), Execution(), FACTS, Interpreter("/usr/bin/python", "3.11.2")
)
NO_BYTECODE = replace(CONFIG, bytecode="none")
MOST_STAGES = 7
"""That hand something to one image; more are mounted where an image has fewer of the rest."""
TARGET = Target("development", command=("serve", "--reload"), env={"B": "2"})


def wheel(name: str, size: int = 1000) -> LockedWheel:
    return LockedWheel(name, "1.0", f"{name}-1.0-py3-none-any.whl", "https://h/x", name[0] * 64, size)


def build(name: str) -> SourceBuild:
    return SourceBuild(LockedSdist(name, "1.0", f"{name}-1.0.tar.gz", "https://h/x", name[0] * 64))


OWN = Additions("development", (DASH,), (wheel("pytest"),), (LIBRARY,))


def plan(
    own: Additions | None,
    *wheels: LockedWheel,
    config: Config = CONFIG,
    builds: tuple[SourceBuild, ...] = (),
    base: BaseImage | None = None,
    start: Start | None = None,
    models: tuple[SourceFile, ...] = (SourceFile("m.bin"),),
) -> Plan:
    locked = wheels or (wheel("a"),)
    selection = Selection(
        LOCK, "bookworm", "3.11", (BASE, PYTHON), locked, builds=builds, base=base, additions=own
    )
    files = Files((SourceFile("app.py"),), models)
    target = TARGET if own else None
    given = config if start else replace(config, bytecode="none")
    return make_plan(given, "cpu", Platform("amd64"), selection, files, start=start, target=target)


def keys(made: Plan) -> list[Digest]:
    return [layer_key(layer, Compression.GZIP) for layer in made.layers]


def test_productions_layers_come_first_and_the_application_last() -> None:
    production, development = plan(None), plan(OWN)
    assert keys(development)[:-3] == keys(production)[:-1]
    assert keys(development)[-1] == keys(production)[-1]
    tools, own, application = development.layers[-3:]
    assert isinstance(tools, ToolsLayer)
    assert (tools.below, tools.packages) == ((BASE, PYTHON), (DASH,))
    assert isinstance(own, WheelsLayer)
    assert own.wheels == (wheel("pytest"),)
    assert isinstance(application, FilesLayer)
    assert application.what == "application"


def test_rules_of_the_tools_are_for_both_and_those_below_productions() -> None:
    development = plan(OWN)
    base, tools = (layer for layer in development.layers if isinstance(layer, BaseLayer | ToolsLayer))
    assert isinstance(tools, ToolsLayer)
    assert tools.trim_below == base.trim
    assert "administration" in base.trim
    assert "administration" not in tools.trim


def test_a_target_without_packages_has_no_layer_for_them() -> None:
    assert len(plan(Additions("development")).layers) == len(plan(None).layers)


def test_the_target_is_started_and_named_as_its_own() -> None:
    production, development = plan(None), plan(OWN)
    assert (production.target, development.target) == ("production", "development")
    assert development.execution.argv == ("serve", "--reload")
    environment = development.execution.environment
    assert (environment["A"], environment["B"], environment["HOME"]) == ("1", "2", "/tmp")
    assert "HOME" not in production.execution.environment
    assert development.execution.labels["io.lightship.target"] == "development"
    assert "io.lightship.target" not in production.execution.labels
    assert development.execution.user == production.execution.user == "1001:1001"
    assert (production.budget, development.budget) == (1_000_000, None)


def test_the_plan_counts_what_the_target_adds() -> None:
    development = plan(OWN)
    assert development.debs == (BASE, PYTHON, DASH)
    assert development.libraries == (LIBRARY,)
    assert [found.name for found in development.wheels] == ["a", "pytest"]


def test_built_wheels_go_where_they_would_be_had_they_been_fetched() -> None:
    own = Additions("development", (DASH,), (wheel("pytest"),), (LIBRARY,), (build("x"),), (DASH,))
    unbuilt = plan(own, wheel("a"), builds=(build("b"),))
    assert [note.partition(" ")[0] for note in unbuilt.notes] == ["b", "x"]
    done = with_built(unbuilt, [wheel("b", ALONE), wheel("x")], NO_BYTECODE, None)
    fetched = Additions("development", (DASH,), (wheel("pytest"), wheel("x")), (LIBRARY,))
    assert keys(done) == keys(plan(fetched, wheel("a"), wheel("b", ALONE)))
    assert done.additions is not None
    assert (done.builds, done.additions.builds) == ((), ())
    production = with_built(
        plan(None, wheel("a"), builds=(build("b"),)), [wheel("b", ALONE)], NO_BYTECODE, None
    )
    assert set(keys(production)) < set(keys(done))


def test_all_layers_together_can_be_mounted() -> None:
    giants = [wheel(f"g{number}", GIANT + number) for number in range(20)]
    many = [*giants, *(wheel(f"w{number}", ALONE + number) for number in range(300))]
    own = Additions("development", (DASH,), tuple(wheel(f"o{number}", ALONE) for number in range(200)))
    modules: Paths = {found.name: (f"{found.name}.py",) for found in many}
    laid_out = plan(own, *many, start=Start("3.11", standard_library=("abc.py",), modules=modules))
    wheels = MOST_ALONE + BUCKETS + MOST_ALONE_OF_TARGET + BUCKETS_OF_TARGET
    bytecode = 1 + 8 + BUCKETS + 1  # the standard library, giants, the others, the application
    others = 5  # base, environment, models, tools, application
    assert len(laid_out.layers) == wheels + bytecode + others
    assert len(laid_out.layers) + MOST_STAGES < 127


def test_a_targets_wheels_have_no_bytecode_and_productions_is_the_same() -> None:
    start = Start("3.11", standard_library=("abc.py",), modules={"a": ("a.py",), "pytest": ("pytest.py",)})
    production, development = plan(None, start=start), plan(OWN, start=start)
    titles = [layer.title for layer in development.layers if isinstance(layer, BytecodeLayer)]
    assert titles == ["bytecode: standard library", "bytecode: a", "bytecode: application"]
    assert keys(development)[: len(production.layers) - 2] == keys(production)[:-2]
    assert keys(development)[-2:] == keys(production)[-2:]
    own = Additions("development", (DASH,), (wheel("pytest"),), (LIBRARY,), (build("x"),), (DASH,))
    done = with_built(plan(own, builds=(build("b"),), start=start), [wheel("b"), wheel("x")], CONFIG, start)
    fetched = Additions("development", (DASH,), (wheel("pytest"), wheel("x")), (LIBRARY,))
    assert keys(done) == keys(plan(fetched, wheel("a"), wheel("b"), start=start))
    assert [layer.title for layer in done.layers[-1:]] == ["bytecode: application"]


def test_where_production_is_traced_a_target_is_trimmed_by_rules() -> None:
    traced = replace(CONFIG, trim="traced", strip=True)
    start = Start("3.11", distributions={"a": "1.0"}, opened={"amd64": {"a": ("a.py",)}})
    kept = [layer.keep for layer in plan(None, config=traced, start=start).layers if is_wheels(layer)]
    assert kept == [{"a": ("a.py",)}]
    development = plan(OWN, config=traced, start=start)
    wheels = [layer for layer in development.layers if isinstance(layer, WheelsLayer)]
    assert [(layer.keep, layer.strip) for layer in wheels] == [({}, True), ({}, True)]
    assert keys(with_built(development, [], traced, start)) == keys(development)


def test_stages_lie_below_what_only_the_target_has() -> None:
    config = replace(CONFIG, stages={"tool": StageConfig(image="oci:tool", copy={"/a": "/b"})})
    sources = StageSources({"tool": LockedStage(images={"oci:tool": LOCK})}, {"tool": ()}, LOCK, "3.11")
    for own in (OWN, Additions("development", (), (wheel("pytest"),))):
        for models in ((), (SourceFile("m.bin"),)):
            production, development = (
                with_stages(plan(each, models=models), config, sources) for each in (None, own)
            )
            assert keys(development)[: len(production.layers) - 1] == keys(production)[:-1]


def test_on_an_image_tools_join_its_loaders_cache() -> None:
    tools = [layer for layer in plan(OWN, base=BASE_IMAGE).layers if isinstance(layer, ToolsLayer)]
    assert [layer.cached for layer in tools] == [BASE_IMAGE.facts.cached]
    assert "cached" in tools[0].recipe()
    assert all("cached" not in layer.recipe() for layer in plan(OWN).layers if isinstance(layer, ToolsLayer))


def is_wheels(layer: LayerPlan) -> TypeGuard[WheelsLayer]:
    return isinstance(layer, WheelsLayer)
