"""A target's layers lie over production's, which stay what they are."""

from __future__ import annotations

from lightship.debs.model import LockedDeb
from lightship.digest import Digest
from lightship.oci.record import Compression
from lightship.plan.layering import ALONE, BUCKETS, BUCKETS_OF_TARGET, MOST_ALONE, MOST_ALONE_OF_TARGET
from lightship.plan.model import Additions, BaseLayer, FilesLayer, Plan, ToolsLayer, WheelsLayer, layer_key
from lightship.plan.planner import Files, Selection, make_plan, with_built
from lightship.platform import Platform
from lightship.project.config import Config
from lightship.project.sources import SourceFile
from lightship.project.targets import Target
from lightship.wheels.model import LockedLibrary, LockedSdist, LockedWheel, SourceBuild

BASE = LockedDeb("base-files", "1", "amd64", "pool/a.deb", 100, "1" * 64)
DASH = LockedDeb("dash", "1", "amd64", "pool/d.deb", 10, "d" * 64)
LIBRARY = LockedLibrary("libx", "libx.so.1", "pytest", "pytest/x.so")
CONFIG = Config(name="demo", command=("serve",), env={"A": "1", "B": "1"}, budget="1MB", ports=(8000,))
TARGET = Target("development", command=("serve", "--reload"), env={"B": "2"})


def wheel(name: str, size: int = 1000) -> LockedWheel:
    return LockedWheel(name, "1.0", f"{name}-1.0-py3-none-any.whl", "https://h/x", name[0] * 64, size)


def build(name: str) -> SourceBuild:
    return SourceBuild(LockedSdist(name, "1.0", f"{name}-1.0.tar.gz", "https://h/x", name[0] * 64))


OWN = Additions("development", (DASH,), (wheel("pytest"),), (LIBRARY,))


def plan(own: Additions | None, *wheels: LockedWheel, builds: tuple[SourceBuild, ...] = ()) -> Plan:
    lock = Digest("sha256:" + "0" * 64)
    selection = Selection(
        lock, "bookworm", "3.11", (BASE,), wheels or (wheel("a"),), (), builds, additions=own
    )
    files = Files((SourceFile("app.py"),), (SourceFile("m.bin"),))
    target = TARGET if own else None
    return make_plan(CONFIG, "cpu", Platform("amd64"), selection, files, target=target)


def keys(made: Plan) -> list[Digest]:
    return [layer_key(layer, Compression.GZIP) for layer in made.layers]


def test_productions_layers_come_first_and_the_application_last() -> None:
    production, development = plan(None), plan(OWN)
    assert keys(development)[:-3] == keys(production)[:-1]
    assert keys(development)[-1] == keys(production)[-1]
    tools, own, application = development.layers[-3:]
    assert isinstance(tools, ToolsLayer)
    assert (tools.below, tools.packages) == ((BASE,), (DASH,))
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
    assert development.debs == (BASE, DASH)
    assert development.libraries == (LIBRARY,)
    assert [found.name for found in development.wheels] == ["a", "pytest"]


def test_built_wheels_go_where_they_would_be_had_they_been_fetched() -> None:
    own = Additions("development", (DASH,), (wheel("pytest"),), (LIBRARY,), (build("x"),), (DASH,))
    unbuilt = plan(own, wheel("a"), builds=(build("b"),))
    assert [note.partition(" ")[0] for note in unbuilt.notes] == ["b", "x"]
    done = with_built(unbuilt, [wheel("b", ALONE), wheel("x")], CONFIG, None)
    fetched = Additions("development", (DASH,), (wheel("pytest"), wheel("x")), (LIBRARY,))
    assert keys(done) == keys(plan(fetched, wheel("a"), wheel("b", ALONE)))
    assert done.additions is not None
    assert (done.builds, done.additions.builds) == ((), ())
    production = with_built(plan(None, wheel("a"), builds=(build("b"),)), [wheel("b", ALONE)], CONFIG, None)
    assert set(keys(production)) < set(keys(done))


def test_all_layers_together_can_be_mounted() -> None:
    many = [wheel(f"w{number}", ALONE + number) for number in range(200)]
    own = Additions("development", (DASH,), tuple(wheel(f"o{number}", ALONE) for number in range(200)))
    most = MOST_ALONE + BUCKETS + MOST_ALONE_OF_TARGET + BUCKETS_OF_TARGET
    assert len(plan(own, *many).layers) == most + 5 < 127
