from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lightship.debs.model import LockedDeb
from lightship.debs.trim import MANUALS, RULES
from lightship.digest import Digest
from lightship.errors import UsageError
from lightship.oci.record import Compression
from lightship.plan.layering import ALONE, BUCKETS, GIANT, MOST_ALONE, bucket, layer_wheels
from lightship.plan.model import (
    BaseLayer,
    EnvironmentLayer,
    FilesLayer,
    LayerPlan,
    Plan,
    WheelsLayer,
    layer_key,
)
from lightship.plan.planner import Files, Selection, make_plan, with_built
from lightship.platform import Platform
from lightship.project.config import Config
from lightship.project.sources import SourceFile
from lightship.wheels.model import LockedLibrary, LockedSdist, LockedWheel, SourceBuild

DEB = LockedDeb("base-files", "1", "amd64", "pool/a.deb", 100, "1" * 64)
FILE = SourceFile("app/main.py", size=3, digest="sha256:" + "3" * 64)


def wheel(name: str, size: int = 1000, sha256: str = "2" * 64, **more: Any) -> LockedWheel:
    given = {"version": "1.0", "filename": f"{name}-1.0-py3-none-any.whl", "url": "https://example.org/x"}
    return LockedWheel(name=name, size=size, sha256=sha256, **(given | more))


def plan(
    config: Config | None = None, version: str = "", models: tuple[SourceFile, ...] = (), **more: Any
) -> Plan:
    selection = Selection(
        Digest("sha256:" + "0" * 64),
        "bookworm",
        "3.11",
        more.get("debs", (DEB,)),
        more.get("wheels", (wheel("a"),)),
    )
    given = config or Config(name="demo", command=("serve",), ports=(8000, 80))
    return make_plan(given, "cpu", Platform("amd64"), selection, Files((FILE,), models), version)


def test_layers_go_from_what_changes_least_to_what_changes_most() -> None:
    made = plan(models=(SourceFile("m.bin"),), wheels=(wheel("a"), wheel("torch", GIANT)))
    kinds = [type(layer) for layer in made.layers]
    assert kinds == [BaseLayer, EnvironmentLayer, WheelsLayer, WheelsLayer, FilesLayer, FilesLayer]
    assert [layer.what for layer in made.layers if isinstance(layer, FilesLayer)] == ["models", "application"]
    assert [found.name for found in made.wheels] == ["torch", "a"]
    assert made.debs == (DEB,)


def test_the_plan_keeps_who_asked_for_a_package() -> None:
    asked = (LockedLibrary("libpq5", "libpq.so.5", "psycopg2", "psycopg2/_psycopg.so"),)
    selection = Selection(Digest("sha256:" + "0" * 64), "bookworm", "3.11", (DEB,), (), asked)
    made = make_plan(Config(name="demo"), "cpu", Platform("amd64"), selection, Files((FILE,)))
    assert made.libraries == asked


def test_the_image_is_started_as_configured() -> None:
    execution = plan(
        Config(name="demo", command=("serve", "--fast"), ports=(8000, 80), workdir="/srv")
    ).execution
    assert execution.argv == ("serve", "--fast")
    assert execution.user == "1001:1001"
    assert execution.working_dir == "/srv"
    assert execution.exposed_ports == {"80/tcp": {}, "8000/tcp": {}}
    assert execution.stop_signal == "SIGTERM"


def test_the_environment_finds_the_programs_of_the_image() -> None:
    environment = plan().execution.environment
    assert environment["PATH"].split(":")[0] == "/opt/venv/bin"
    assert "/usr/bin" in environment["PATH"].split(":")
    assert environment["PYTHONUNBUFFERED"] == "1"


def test_configured_variables_win() -> None:
    environment = plan(Config(name="d", env={"LANG": "C", "WORKERS": "4"})).execution.environment
    assert (environment["LANG"], environment["WORKERS"]) == ("C", "4")


@pytest.mark.parametrize(
    ("health", "url"),
    [
        ("http://:8000/health", "http://127.0.0.1:8000/health"),
        ("http://localhost:80/", "http://localhost:80/"),
        ("http://:8000/a?b='c'", "http://127.0.0.1:8000/a?b='c'"),
    ],
)
def test_health_is_asked_without_a_shell(health: str, url: str) -> None:
    check = plan(Config(name="demo", health=health)).execution.healthcheck
    assert check is not None
    assert check.test[:3] == ("CMD", "/opt/venv/bin/python", "-ISc")
    compile(check.test[3], "health", "exec")
    assert repr(url) in check.test[3]
    assert (check.interval, check.timeout, check.retries) == (30_000_000_000, 5_000_000_000, 3)


def test_without_a_health_url_there_is_no_check() -> None:
    assert plan().execution.healthcheck is None


def test_labels_say_what_it_is_and_can_be_overridden() -> None:
    labels = plan(
        Config(name="demo", labels={"team": "x", "org.opencontainers.image.title": "y"}), "2.1"
    ).execution.labels
    assert labels == {
        "org.opencontainers.image.title": "y",
        "org.opencontainers.image.base.name": "debian:bookworm",
        "org.opencontainers.image.version": "2.1",
        "io.lightship.variant": "cpu",
        "io.lightship.lock": "sha256:" + "0" * 64,
        "team": "x",
    }
    assert "org.opencontainers.image.version" not in plan().execution.labels


def test_the_budget_is_in_bytes() -> None:
    assert plan(Config(name="d", budget="480MB")).budget == 480_000_000
    assert plan().budget is None
    with pytest.raises(UsageError, match="is not a size"):
        plan(Config(name="d", budget="much"))


def test_build_packages_that_nothing_needs_are_remarked_on() -> None:
    (note,) = plan(Config(name="d", build_packages=("libpq-dev", "gcc"))).notes
    assert "libpq-dev, gcc" in note
    assert plan().notes == ()


def test_titles_and_downloads_say_what_a_layer_holds() -> None:
    base, environment, wheels, files = plan().layers
    assert (base.title, base.download) == ("base: Debian bookworm, 1 packages", 100)
    assert (environment.title, environment.download) == ("environment: /opt/venv, user appuser, /app", 0)
    assert (wheels.title, wheels.download) == ("python: a 1.0", 1000)
    assert (files.title, files.download) == ("application: 1 file in /app", 0)


BASE = BaseLayer("bookworm", "amd64", (DEB,))
ENVIRONMENT = EnvironmentLayer("opt/venv", "3.11", "appuser", 1001, 1001, "/app")
WHEELS = WheelsLayer("opt/venv", "3.11", (wheel("a"), wheel("b", sha256="4" * 64)))
FILES = FilesLayer("application", "/app", (FILE,))
replace = msgspec.structs.replace


def key(layer: LayerPlan) -> str:
    return layer_key(layer, Compression.GZIP)


@pytest.mark.parametrize(
    ("layer", "other"),
    [
        (BASE, replace(BASE, architecture="arm64")),
        (BASE, replace(BASE, packages=(replace(DEB, sha256="5" * 64),))),
        (BASE, replace(BASE, packages=())),
        (BASE, replace(BASE, trim=("documentation",))),
        (WHEELS, replace(WHEELS, trim=("tests",))),
        (ENVIRONMENT, replace(ENVIRONMENT, prefix="x")),
        (ENVIRONMENT, replace(ENVIRONMENT, python="x")),
        (ENVIRONMENT, replace(ENVIRONMENT, user="x")),
        (ENVIRONMENT, replace(ENVIRONMENT, workdir="x")),
        (ENVIRONMENT, replace(ENVIRONMENT, uid=1)),
        (ENVIRONMENT, replace(ENVIRONMENT, gid=1)),
        (WHEELS, replace(WHEELS, prefix="venv")),
        (WHEELS, replace(WHEELS, python="3.13")),
        (WHEELS, replace(WHEELS, wheels=WHEELS.wheels[:1])),
        (WHEELS, replace(WHEELS, wheels=WHEELS.wheels[::-1])),
        (WHEELS, replace(WHEELS, wheels=(wheel("a", sha256="6" * 64), WHEELS.wheels[1]))),
        (FILES, replace(FILES, workdir="/srv")),
        (FILES, replace(FILES, files=())),
        (FILES, replace(FILES, files=(replace(FILE, path="app/b.py"),))),
        (FILES, replace(FILES, files=(replace(FILE, executable=True),))),
        (FILES, replace(FILES, files=(replace(FILE, digest="sha256:" + "7" * 64),))),
        (FILES, replace(FILES, files=(replace(FILE, link="x"),))),
    ],
)
def test_a_layers_key_changes_with_what_decides_its_bytes(layer: LayerPlan, other: LayerPlan) -> None:
    assert key(layer) != key(other)


@pytest.mark.parametrize(
    ("layer", "other"),
    [
        (BASE, replace(BASE, packages=(replace(DEB, path="elsewhere/a.deb", archive="security"),))),
        (BASE, replace(BASE, suite="oldstable")),
        (WHEELS, replace(WHEELS, wheels=(wheel("a", url="file:///x", filename="b"), WHEELS.wheels[1]))),
        (FILES, replace(FILES, what="models")),
    ],
)
def test_a_layers_key_does_not_change_with_names_and_places(layer: LayerPlan, other: LayerPlan) -> None:
    assert key(layer) == key(other)


def test_a_layers_key_changes_with_the_compression() -> None:
    assert len({layer_key(WHEELS, compression) for compression in Compression}) == len(Compression)


def test_keys_of_different_kinds_of_layers_differ() -> None:
    assert len({key(layer) for layer in (BASE, ENVIRONMENT, WHEELS, FILES)}) == 4


def test_a_wheels_key_is_the_one_in_every_image_that_has_it() -> None:
    first, second = (plan(Config(name=name), wheels=(wheel("a"),)) for name in ("one", "two"))
    assert key(first.layers[2]) == key(second.layers[2])


def rules_of(made: Plan) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    (base,) = (layer for layer in made.layers if isinstance(layer, BaseLayer))
    return base.trim, [layer.trim for layer in made.layers if isinstance(layer, WheelsLayer)]


def test_layers_are_trimmed_by_the_rules_that_concern_them() -> None:
    base, (torch, other) = rules_of(plan(wheels=(wheel("torch", GIANT), wheel("a"))))
    assert {"documentation", "rare-character-sets"} <= set(base)
    assert {"torch-test-programs", "headers", "static-libraries"} <= set(torch)
    assert other == ("static-libraries", "cython-sources")


def test_at_level_none_wheels_are_whole_and_only_manuals_stay_out() -> None:
    base, wheels = rules_of(plan(Config(name="d", trim="none")))
    assert (base, wheels) == (MANUALS, [()])
    assert set(MANUALS) < {rule.name for rule in RULES}


def test_a_rule_for_one_wheel_changes_no_other_layer() -> None:
    alone = plan(wheels=(wheel("a"),))
    beside = plan(wheels=(wheel("torch", GIANT), wheel("a")))
    assert key(alone.layers[2]) == key(beside.layers[3])


def test_headers_stay_beside_a_compiler() -> None:
    compiler = LockedDeb("g++-12", "1", "amd64", "pool/g.deb", 100, "8" * 64)
    _, (torch,) = rules_of(plan(debs=(DEB, compiler), wheels=(wheel("torch", GIANT),)))
    assert "torch-test-programs" in torch
    assert not {"headers", "static-libraries", "cython-sources"} & set(torch)


@pytest.mark.parametrize("name", ["nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"])
def test_headers_of_torch_stay_beside_nvrtc(name: str) -> None:
    _, (torch, _) = rules_of(plan(wheels=(wheel("torch", GIANT), wheel(name))))
    assert "torch-test-programs" in torch
    assert "headers" not in torch


def test_a_wheel_that_needs_it_spares_a_part_of_the_base() -> None:
    base, _ = rules_of(plan(wheels=(wheel("pyodbc"),)))
    assert "documentation" in base
    assert "rare-character-sets" not in base


def test_giants_come_first_then_big_wheels_then_buckets() -> None:
    wheels = [
        wheel("small"),
        wheel("big-b", ALONE),
        wheel("torch", GIANT),
        wheel("big-a", ALONE),
        wheel("tiny", 0),
    ]
    groups = [[found.name for found in group] for group in layer_wheels(wheels)]
    assert groups[:3] == [["torch"], ["big-a"], ["big-b"]]
    assert sorted(name for group in groups[3:] for name in group) == ["small", "tiny"]


def test_no_more_than_so_many_layers_are_made() -> None:
    groups = layer_wheels([wheel(f"w{number}", ALONE + number) for number in range(500)])
    assert len(groups) == MOST_ALONE + BUCKETS
    assert len(groups) + 4 < 127
    biggest = {f"w{number}" for number in range(500 - MOST_ALONE, 500)}
    assert {group[0].name for group in groups[:MOST_ALONE]} == biggest


def test_no_wheels_make_no_layers() -> None:
    assert layer_wheels([]) == ()


def test_buckets_never_change() -> None:
    assert [bucket(name) for name in ("fastapi", "pydantic", "uvicorn")] == [10, 3, 10]


SOURCE = SourceBuild(LockedSdist("b", "2.0", "b-2.0.tar.gz", "https://example.org/b", "4" * 64))


def from_source(config: Config | None = None) -> Plan:
    selection = Selection(
        Digest("sha256:" + "0" * 64), "bookworm", "3.11", (DEB,), (wheel("a"),), (), (SOURCE,), (DEB,)
    )
    given = config or Config(name="demo", command=("serve",))
    return make_plan(given, "cpu", Platform("amd64"), selection, Files((FILE,)))


def test_what_has_no_wheel_is_said_and_has_no_layer_yet() -> None:
    made = from_source(Config(name="demo", command=("serve",), build_packages=("libpq-dev",)))
    assert made.builds == (SOURCE,)
    assert made.builder == (DEB,)
    assert made.notes == ("b 2.0 has no wheel: it is built from source",)
    assert [found.name for found in made.wheels] == ["a"]


def test_built_wheels_have_layers_as_if_they_had_been_fetched() -> None:
    built = wheel("b", ALONE, version="2.0")
    done = with_built(from_source(), [built], Config(name="demo"), None)
    assert done.layers == plan(Config(name="demo", command=("serve",)), wheels=(wheel("a"), built)).layers
    assert done.builds == ()
