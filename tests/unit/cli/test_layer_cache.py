"""`lightship build` with a layer cache: one machine makes layers, and others take them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lightship.build.layerlock import record_layers
from lightship.oci.layout import Layout
from lightship.oci.validate import layout_problems
from tests.support.locked import Locked
from tests.support.registry import Registry, serving
from tests.unit.cli.conftest import Lightship, Outcome


@dataclass
class Fleet:
    """Machines that build one project, each with an empty disk, around one registry."""

    lightship: Lightship
    made: Locked
    registry: Registry
    move: Callable[[Path], None]
    machines: int = 0

    @property
    def cache(self) -> str:
        return f"{self.registry.host}/team/cache"

    @property
    def home(self) -> Path:
        return self.made.root / f"machine-{self.machines}"

    @property
    def store(self) -> Layout:
        return Layout(self.home / "data" / "images")

    def build(self, *options: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*options, "--json", code=code).out)
        return found

    def run(self, *options: str, code: int = 0) -> Outcome:
        outcome = self.lightship("build", self.made.folder, "--locked", *options)
        assert outcome.code == code, outcome.err
        return outcome

    def ref(self, name: str) -> str:
        return f"{self.registry.host}/team/{name}:1"

    def first(self, *options: str) -> dict[str, Any]:
        """Build where all archives are, and fill the cache."""
        return self.build("--push", self.ref("first"), "--cache-to", self.cache, *options)

    def another(self, *, archives: bool = False) -> None:
        """Go on at a machine that has nothing, or nothing but archives."""
        self.machines += 1
        if archives:
            shutil.copytree(self.made.root / "home/cache/archives", self.home / "cache/archives")
        self.move(self.home)
        self.registry.asked.clear()

    def tags(self, kind: str) -> list[str]:
        return sorted(tag for tag in self.registry.content("team/cache").tags if tag.startswith(kind))

    def forget(self, *tags: str) -> None:
        for tag in tags:
            del self.registry.content("team/cache").tags[tag]

    def change(self, tag: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Put something else under a tag, as somebody could who may write to the cache."""
        content = self.registry.content("team/cache")
        media_type, data = content.manifests[content.tags[tag]]
        document = json.loads(data)
        change(document)
        self.registry.add_manifest("team/cache", tag, media_type, json.dumps(document).encode())


@pytest.fixture
def fleet(lightship: Lightship, made: Locked, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    monkeypatch.setenv("PATH", "")  # no sandbox: nothing of the image is run
    (made.folder / "lightship.toml").write_text('bytecode = "none"\n')
    return Fleet(lightship, made, registry, lambda home: monkeypatch.setenv("LIGHTSHIP_HOME", str(home)))


def titles(built: dict[str, Any], *, made: bool) -> list[str]:
    return [layer["title"].partition(":")[0] for layer in built["layers"] if layer["made"] is made]


def test_a_machine_that_has_nothing_pushes_the_same_image_and_moves_next_to_nothing(fleet: Fleet) -> None:
    first = fleet.first()
    assert (first["cache"]["added"], first["cache"]["mounted"]) == (len(first["layers"]), first["compressed"])
    fleet.another()
    second = fleet.build("--push", fleet.ref("second"), "--cache-from", fleet.cache)
    assert second["digest"] == first["digest"]
    assert {layer["cache"] for layer in second["layers"]} == {fleet.cache}
    assert titles(second, made=True) == []
    assert second["pushed"]["mounted"] == first["compressed"]
    assert (second["added"], second["trimmed"]) == (0, first["trimmed"])
    assert first["trimmed"] > 0
    assert fleet.registry.calls("GET", "/blobs/") == []
    assert fleet.registry.calls("GET", "/manifests/layer-")[1:] == []  # the application's alone
    content = fleet.registry.content("team/second")
    assert content.tags == {"1": first["digest"]}
    assert content.blobs == fleet.registry.content("team/first").blobs


def test_what_is_said_of_it(fleet: Fleet) -> None:
    fleet.first()
    fleet.another()
    shown = fleet.run("--push", fleet.ref("second"), "--cache-from", fleet.cache, "--cache-to", fleet.cache)
    assert "5 layers (5 from the cache)" in shown.out
    assert shown.out.endswith(f"{fleet.cache}  cache: all there already\n")


def test_a_change_of_the_application_makes_its_layer_and_adds_it(fleet: Fleet) -> None:
    fleet.first()
    with (fleet.made.folder / "app/main.py").open("a") as file:
        file.write("changed = True\n")
    fleet.another()
    built = fleet.build(
        *("--push", fleet.ref("second")), *("--cache-from", fleet.cache, "--cache-to", fleet.cache)
    )
    assert titles(built, made=True) == ["application"]
    assert built["cache"]["added"] == 1
    assert len(fleet.registry.calls("PUT", "/manifests/layer-")) == 1
    fleet.another()
    assert titles(fleet.build("--cache-from", fleet.cache), made=True) == []


def test_only_what_the_cache_lacks_is_made_and_then_added(fleet: Fleet) -> None:
    first = fleet.first()
    (group,) = fleet.tags("group-")
    layers = fleet.tags("layer-")
    document = json.loads(
        fleet.registry.content("team/cache").manifests[fleet.registry.content("team/cache").tags[group]][1]
    )
    key = document["layers"][1]["annotations"]["io.lightship.layer.key"].removeprefix("sha256:")
    fleet.forget(group, f"layer-{key}")  # that of the environment: nothing has to be fetched for it
    fleet.another()
    second = fleet.build("--cache-from", fleet.cache, "--cache-to", fleet.cache)
    assert (titles(second, made=True), second["digest"]) == (["environment"], first["digest"])
    assert second["cache"]["added"] == 1
    assert (fleet.tags("layer-"), fleet.tags("group-")) == (layers, [group])
    fleet.another()
    assert titles(fleet.build("--cache-from", fleet.cache), made=True) == []


def test_an_image_for_another_registry_passes_through(fleet: Fleet) -> None:
    first = fleet.first()
    fleet.another()
    with serving() as other:
        name = f"{other.host}/team/app:1"
        second = fleet.build("--push", name, "--cache-from", fleet.cache)
        assert second["digest"] == first["digest"]
        assert second["pushed"]["sent"] > first["compressed"]
        assert other.content("team/app").blobs == fleet.registry.content("team/first").blobs
    assert not list((fleet.home / "data").rglob(".tmp-*"))


def test_layers_are_fetched_when_they_are_wanted(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.first()
    fleet.another()
    fleet.build("--cache-from", fleet.cache, "-t", "app:1")
    assert fleet.registry.calls("GET", "/blobs/") == []
    found = json.loads(fleet.lightship("verify", "app:1", "--json").out)
    assert found["image"] == first["digest"]
    assert layout_problems(fleet.store) == []
    fleet.another()
    fleet.build("--cache-from", fleet.cache, "-o", f"oci:{tmp_path}/out")
    assert layout_problems(Layout(tmp_path / "out")) == []
    fleet.another()
    fleet.build("--cache-from", fleet.cache, "-t", "app:1")
    pushed = fleet.lightship("push", "app:1", fleet.ref("later"))
    assert pushed.code == 0, pushed.err
    assert fleet.registry.content("team/later").tags == {"1": first["digest"]}


def test_documents_that_are_made_from_layers_fetch_them(fleet: Fleet) -> None:
    fleet.first()
    fleet.another()
    built = fleet.build(
        *("--cache-from", fleet.cache, "--push", fleet.ref("second")), *("--attest", "cyclonedx")
    )
    assert [each["kind"] for each in built["attestations"]] == ["cyclonedx"]
    assert layout_problems(fleet.store) == []


def test_what_is_absent_says_so_when_its_cache_is_gone(fleet: Fleet) -> None:
    fleet.first()
    fleet.another()
    fleet.build("--cache-from", fleet.cache, "-t", "app:1")
    fleet.registry.repositories.pop("team/cache")
    gone = fleet.lightship("verify", "app:1")
    assert gone.code == 6
    assert "a layer of the image cannot be had" in gone.err
    assert "build the image again" in gone.err


def test_a_pushed_image_outlives_its_cache(fleet: Fleet) -> None:
    fleet.first()
    fleet.another()
    fleet.build("--cache-from", fleet.cache, "--push", fleet.ref("second"), "-t", "app:1")
    fleet.registry.repositories.pop("team/cache")
    assert "cannot be had" not in fleet.lightship("verify", "app:1").err
    assert fleet.registry.calls("GET", "team/second/blobs/")


def test_an_empty_cache_is_no_warning(fleet: Fleet) -> None:
    built = fleet.run("--cache-from", fleet.cache)
    assert "warning" not in built.err


def test_caches_are_asked_in_their_order_until_all_is_found(fleet: Fleet) -> None:
    first = fleet.first()
    fleet.another()
    empty = f"{fleet.registry.host}/team/empty"
    second = fleet.build("--cache-from", empty, "--cache-from", fleet.cache, "--cache-from", f"{empty}2")
    assert second["digest"] == first["digest"]
    assert not fleet.registry.calls("GET", "team/empty2")


# Damage, and worse


def test_a_layer_that_the_cache_lost_is_made(fleet: Fleet) -> None:
    first = fleet.first()
    fleet.registry.content("team/cache").blobs.discard(first["layers"][0]["digest"])
    fleet.another(archives=True)
    built = fleet.run("--cache-from", fleet.cache, "--json")
    assert titles(json.loads(built.out), made=True) == ["base"]
    assert "does not hold 1 of the layers that it names" in built.err


def test_a_truncated_layer_is_made(fleet: Fleet) -> None:
    first = fleet.first()
    digest = first["layers"][2]["digest"]
    fleet.registry.blobs[digest] = fleet.registry.blobs[digest][:-1]
    fleet.another(archives=True)
    built = fleet.build("--cache-from", fleet.cache)
    assert (titles(built, made=True), built["digest"]) == (["python"], first["digest"])


@pytest.mark.parametrize("hand_over", ["push", "output"])
def test_a_damaged_layer_reaches_nobody(fleet: Fleet, tmp_path: Path, hand_over: str) -> None:
    """Its size is right, so that it is noticed only where it is read: then everything is made here."""
    first = fleet.first()
    digest = first["layers"][2]["digest"]
    data = fleet.registry.blobs[digest]
    fleet.registry.blobs[digest] = data[:-1] + bytes([data[-1] ^ 1])
    fleet.another(archives=True)
    with serving() as other:
        to = {"push": ("--push", f"{other.host}/app:1"), "output": ("-o", f"oci:{tmp_path}/out")}[hand_over]
        built = fleet.run("--cache-from", fleet.cache, *to, "--json")
        if hand_over == "push":
            assert other.content("app").tags == {"1": first["digest"]}
        else:
            assert layout_problems(Layout(tmp_path / "out")) == []
    assert json.loads(built.out)["digest"] == first["digest"]
    assert titles(json.loads(built.out), made=False) == []
    assert "the layer cache is not used any more" in built.err


@pytest.mark.parametrize("data", [b"garbage", b'{"schemaVersion": 2}'])
def test_garbage_under_a_tag_is_as_good_as_nothing(fleet: Fleet, data: bytes) -> None:
    first = fleet.first()
    for tag in (*fleet.tags("group-"), fleet.tags("layer-")[0]):
        fleet.registry.add_manifest("team/cache", tag, "application/vnd.oci.image.manifest.v1+json", data)
    fleet.another(archives=True)
    built = fleet.run("--cache-from", fleet.cache, "--cache-to", fleet.cache, "--json")
    found = json.loads(built.out)
    assert (len(titles(found, made=True)), found["digest"]) == (1, first["digest"])
    assert built.err.count("warning: ") == 2
    fleet.another()
    assert titles(fleet.build("--cache-from", fleet.cache), made=True) == []  # it was mended


def swap(document: dict[str, Any]) -> None:
    """Say of each layer that it is another: blobs that are there, and whole."""
    layers = document["layers"]
    keys = [layer["annotations"]["io.lightship.layer.key"] for layer in layers]
    document["layers"] = layers[1:] + layers[:1]
    for layer, key in zip(document["layers"], keys, strict=True):
        layer["annotations"]["io.lightship.layer.key"] = key


def wrong_diff_id(document: dict[str, Any]) -> None:
    document["layers"][0]["annotations"]["io.lightship.layer.diff-id"] = f"sha256:{'0' * 64}"


def wrong_facts(document: dict[str, Any]) -> None:
    wrong_diff_id(document)
    document["layers"][1]["annotations"]["io.lightship.layer.unpacked"] = "1"


@pytest.mark.parametrize("poison", [swap, wrong_facts])
def test_what_the_lock_records_is_taken_from_nobody_else(
    fleet: Fleet, poison: Callable[[dict[str, Any]], None]
) -> None:
    count = record_layers(fleet.made.project(), "none", fleet.made.machine())
    first = fleet.first()
    assert count == len(first["layers"]) - 1  # all but the application
    fleet.change(fleet.tags("group-")[0], poison)
    fleet.another(archives=True)
    built = fleet.run("--cache-from", fleet.cache, "--push", fleet.ref("second"), "--json")
    found = json.loads(built.out)
    assert found["digest"] == first["digest"]
    assert titles(found, made=True)
    assert "where the lock records" in built.err


def test_what_the_lock_does_not_record_is_trusted_as_the_user_chose(fleet: Fleet) -> None:
    record_layers(fleet.made.project(), "none", fleet.made.machine())
    first = fleet.first()
    application = fleet.tags("layer-")
    grouped = {layer["digest"] for layer in first["layers"][:-1]}
    content = fleet.registry.content("team/cache")
    (own,) = [
        tag
        for tag in application
        if json.loads(content.manifests[content.tags[tag]][1])["layers"][0]["digest"] not in grouped
    ]
    fleet.change(own, wrong_diff_id)
    fleet.another()
    assert fleet.build("--cache-from", fleet.cache)["digest"] != first["digest"]
    with (fleet.made.folder / "lightship.toml").open("a") as file:
        file.write('cache-trust = "locked"\n')
    fleet.another()
    strict = fleet.build("--cache-from", fleet.cache)
    assert (titles(strict, made=True), strict["digest"]) == (["application"], first["digest"])


def test_with_trust_in_the_lock_alone_nothing_is_taken_that_it_does_not_record(fleet: Fleet) -> None:
    first = fleet.first()
    with (fleet.made.folder / "lightship.toml").open("a") as file:
        file.write('cache-trust = "locked"\n')
    fleet.another(archives=True)
    built = fleet.build("--cache-from", fleet.cache)
    assert (titles(built, made=False), built["digest"]) == ([], first["digest"])
    assert fleet.registry.asked == []


def test_a_layer_that_is_made_must_be_what_the_lock_records(fleet: Fleet) -> None:
    record_layers(fleet.made.project(), "none", fleet.made.machine())
    lock = fleet.made.lock.read_text()
    lines = lock.splitlines()
    (at,) = [number for number, line in enumerate(lines) if 'title = "environment' in line]
    lines[at] = lines[at].replace("unpacked = ", "unpacked = 1")
    fleet.made.lock.write_text("\n".join(lines) + "\n")
    fleet.another(archives=True)
    refused = fleet.run(code=6)
    assert "not what the lock records" in refused.err
    assert "environment" in refused.err


def test_recording_layers_changes_no_image(fleet: Fleet) -> None:
    before = fleet.build()
    record_layers(fleet.made.project(), "none", fleet.made.machine())
    recorded = fleet.made.lock.read_bytes()
    record_layers(fleet.made.project(), "none", fleet.made.machine())
    assert fleet.made.lock.read_bytes() == recorded
    after = fleet.build()
    assert (after["digest"], titles(after, made=True)) == (before["digest"], [])


# What is asked for


def test_a_cache_that_cannot_be_written_is_an_error_after_the_push(fleet: Fleet) -> None:
    registry = fleet.registry
    registry.auth, registry.users, registry.writers = "token", {"me": "hunter2"}, {"me"}
    registry.public = True
    refused = fleet.run("--cache-to", fleet.cache, code=4)
    assert "without a password" in refused.err


def test_configuration_and_environment_name_caches(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with (fleet.made.folder / "lightship.toml").open("a") as file:
        file.write(f'cache-from = ["{fleet.cache}"]\ncache-to = "{fleet.cache}"\n')
    first = fleet.build()
    assert first["cache"]["added"] == len(first["layers"])
    fleet.another()
    assert titles(fleet.build(), made=True) == []
    fleet.another(archives=True)
    monkeypatch.setenv("LIGHTSHIP_CACHE_TO", "")
    monkeypatch.setenv("LIGHTSHIP_CACHE_FROM", f"{fleet.registry.host}/team/empty, ")
    assert "cache" not in fleet.build()
    assert {asked.path.split("/")[3] for asked in fleet.registry.calls(words="/v2/team")} == {"empty"}
    fleet.another()
    assert titles(fleet.build("--cache-from", fleet.cache), made=True) == []
    fleet.another(archives=True)
    assert titles(fleet.build("--cache-from", ""), made=False) == []
    fleet.another(archives=True)
    monkeypatch.delenv("LIGHTSHIP_CACHE_FROM")
    assert titles(fleet.build("--offline"), made=False) == []
    assert fleet.registry.asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cache-from", "registry.example.com/cache:1"), "a layer cache is a repository of its own"),
        (("--cache-to", f"registry.example.com/cache@sha256:{'0' * 64}"), "leave out the tag"),
        (("--cache-from", "registry.example.com/cache", "--offline"), "needs the network"),
        (("--cache-to", "registry.example.com/cache", "--engine", "docker"), "about the direct engine"),
    ],
)
def test_what_cannot_be_is_refused(fleet: Fleet, options: tuple[str, ...], words: str) -> None:
    assert words in fleet.run(*options, code=2).err


def test_a_wrong_level_of_trust_is_refused(fleet: Fleet) -> None:
    (fleet.made.folder / "lightship.toml").write_text('cache-trust = "none"\n')
    assert "it may be all or locked" in fleet.run(code=2).err
