"""A project on an image of a registry: what is asked of it, what is kept, and what is shared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.build.basefacts import read_pinned
from lightship.build.baseimage import base_digests
from lightship.build.building import build_plan, plan_project
from lightship.build.image import Built
from lightship.build.images import find_source
from lightship.build.locks import is_current
from lightship.build.machine import Machine
from lightship.build.making import Request
from lightship.build.platforms import build_platforms, join_images
from lightship.build.remote import connect_registries, pull, push
from lightship.digest import Digest
from lightship.errors import IntegrityError, NetworkError, UsageError
from lightship.oci.index import LayoutIndex, open_stored
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.record import Compression
from lightship.oci.validate import layout_problems, validate
from lightship.platform import Platform
from tests.support.bases import base_image, debian_files
from tests.support.elves import AARCH64
from tests.support.images import hello_image
from tests.support.locked import AMD64, Locked, locked_project, write_lock
from tests.support.published import publish, publish_index
from tests.support.registry import Registry, serving
from tests.support.registry_faults import Fault, Planned

ARM64 = Platform("arm64")
NOWHERE = Digest("sha256:" + "0" * 64)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as server:
        yield server


@pytest.fixture
def machine(made: Locked) -> Iterator[Machine]:
    """A machine that may ask registries, with one client until the test ends."""
    environ = {"LIGHTSHIP_HOME": str(made.root / "home")}
    machine = replace(made.machine(), environ=environ, offline=False)
    with connect_registries(machine) as wire:
        yield replace(machine, registries=lambda: wire)


@pytest.fixture
def made(tmp_path: Path, registry: Registry) -> Locked:
    made = locked_project(tmp_path)
    (made.folder / "lightship.toml").write_text(f'base = "{registry.host}/team/python:3.11"\n')
    return made


@pytest.fixture
def image(tmp_path: Path) -> LayoutImage:
    return base_image(Layout(tmp_path / "elsewhere"), env=("PATH=/usr/bin", "KEPT=1"))


def name_of(made: Locked) -> str:
    return made.project().config.base


def lock(made: Locked, machine: Machine) -> Digest:
    """Lock the base as it is in the registry now."""
    digests = base_digests(made.project(), machine)
    write_lock(made, name_of(made), digests)
    return digests[AMD64]


def build(made: Locked, machine: Machine) -> Built:
    plan = plan_project(made.project(), "none", AMD64, machine, locked=True)
    return build_plan(made.project(), plan, machine, Compression.GZIP)


def test_a_base_is_locked_by_digest_and_built_on(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    assert lock(made, machine) == image.descriptor.digest
    built = machine.home.images.image(build(made, machine).descriptor)
    validate(built)
    assert built.manifest.layers[:2] == image.manifest.layers
    assert built.config.config.environment["KEPT"] == "1"
    labels = built.config.config.labels
    assert labels["org.opencontainers.image.base.name"] == name_of(made)
    assert labels["org.opencontainers.image.base.digest"] == image.descriptor.digest
    assert machine.home.images.names() == {}


def test_a_lock_asks_for_manifest_and_configuration_alone(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    base_digests(made.project(), machine)
    asked = [str(each) for each in registry.calls(words="/team/")]
    assert asked == [
        "HEAD /v2/team/python/manifests/3.11",
        f"GET /v2/team/python/manifests/{image.descriptor.digest}",
        f"GET /v2/team/python/blobs/{image.manifest.config.digest}",
    ]
    registry.asked.clear()
    base_digests(made.project(), machine)
    assert [str(each) for each in registry.calls(words="/team/")] == ["HEAD /v2/team/python/manifests/3.11"]


def test_each_layer_comes_once_and_a_second_build_asks_nothing(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    lock(made, machine)
    registry.asked.clear()
    first = build(made, machine)
    blobs = sorted(each.path.rpartition("/")[2] for each in registry.calls("GET"))
    assert blobs == sorted(layer.digest for layer in image.manifest.layers)
    registry.asked.clear()
    again = build(made, machine)
    assert (again.descriptor, again.added) == (first.descriptor, 0)
    assert is_current(made.project(), "none", machine)
    assert registry.asked == []


def test_offline_builds_from_what_is_cached(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    lock(made, machine)
    build(made, machine)
    offline = made.machine()
    registry.asked.clear()
    assert base_digests(made.project(), offline) == {AMD64: image.descriptor.digest}
    assert build(made, offline).added == 0
    for layer in image.manifest.layers:
        machine.home.images.blob_path(layer.digest).unlink()
    with pytest.raises(NetworkError, match="the image is not in the cache") as error:
        build(made, offline)
    assert "--offline" in error.value.hint
    assert registry.asked == []
    assert build(made, machine).added > 0


def test_offline_a_name_that_nobody_asked_for_is_an_error(made: Locked) -> None:
    with pytest.raises(NetworkError, match="the image is not in the cache for linux/amd64") as error:
        base_digests(made.project(), made.machine())
    assert (error.value.exit_code, error.value.where) == (4, name_of(made))


def test_what_is_pulled_is_known_offline_by_the_registrys_digest(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    digest = publish(registry, "team/python", "3.11", image, older=True)
    assert digest != image.descriptor.digest
    pull(name_of(made), machine, machine.registries(), wanted=AMD64)
    assert base_digests(made.project(), made.machine()) == {AMD64: digest}


def test_a_locked_digest_is_kept_until_it_is_upgraded(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage, tmp_path: Path
) -> None:
    publish(registry, "team/python", "3.11", image)
    locked = {AMD64: lock(made, machine)}
    newer = base_image(Layout(tmp_path / "newer"), debian_files("3.11.9"))
    publish(registry, "team/python", "3.11", newer)
    assert is_current(made.project(), "none", machine)
    assert base_digests(made.project(), machine, locked) == locked
    assert base_digests(made.project(), machine) == {AMD64: newer.descriptor.digest}
    with (made.folder / "lightship.toml").open("a") as file:
        file.write('platforms = ["linux/amd64", "linux/arm64"]\n')
    publish_index(registry, "team/python", "3.11", {"linux/amd64": newer, "linux/arm64": arm(tmp_path)})
    both = base_digests(made.project(), machine, locked)
    assert both == {AMD64: newer.descriptor.digest, ARM64: arm(tmp_path).descriptor.digest}


def arm(tmp_path: Path) -> LayoutImage:
    files = debian_files(machine=AARCH64)
    return base_image(Layout(tmp_path / "arm64"), files, architecture="arm64")


def test_several_platforms_stand_on_those_of_an_index(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage, tmp_path: Path
) -> None:
    with (made.folder / "lightship.toml").open("a") as file:
        file.write('platforms = ["linux/amd64", "linux/arm64"]\n')
    images = {AMD64: image, ARM64: arm(tmp_path)}
    publish_index(registry, "team/python", "3.11", {str(key): each for key, each in images.items()})
    lock(made, machine)
    request = Request(variant="none", platform=AMD64, locked=True)
    built = build_platforms(made.project(), request, (AMD64, ARM64), machine)
    descriptor = join_images(built, machine)
    store = machine.home.images
    store.tag("both", descriptor)
    assert layout_problems(store) == []
    whole = open_stored(store, descriptor)
    assert isinstance(whole, LayoutIndex)
    for (platform, base), offer in zip(images.items(), whole.offers, strict=True):
        found = store.image(offer.descriptor)
        assert (offer.platform, found.config.platform) == (str(platform), platform)
        assert found.manifest.layers[:2] == base.manifest.layers


def test_a_platform_that_the_base_is_not_for_is_named_with_those_there_are(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage, tmp_path: Path
) -> None:
    publish_index(registry, "team/python", "3.11", {"linux/amd64": image, "linux/arm64": arm(tmp_path)})
    source = find_source(name_of(made), made.folder, machine)
    assert source.find(ARM64).config.architecture == "arm64"
    publish_index(registry, "team/python", "3.11", {"linux/amd64": image, "linux/s390x": image})
    with pytest.raises(
        UsageError, match="not there for linux/arm64; it is for linux/amd64, linux/s390x"
    ) as error:
        source.find(ARM64)
    assert "`platforms`" in error.value.hint
    publish(registry, "team/python", "3.11", image)
    with pytest.raises(UsageError, match="not there for linux/arm64; it is for linux/amd64"):
        source.find(ARM64)


def test_dockers_older_format_is_locked_as_the_registry_has_it(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    digest = publish(registry, "team/python", "3.11", image, older=True)
    assert lock(made, machine) == digest
    built = machine.home.images.image(build(made, machine).descriptor)
    validate(built)
    assert built.manifest.layers[:2] == image.manifest.layers


def test_what_a_lock_pins_is_fetched_by_its_digest_on_another_machine(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage, tmp_path: Path
) -> None:
    publish(registry, "team/python", "3.11", image)
    lock(made, machine)
    newer = base_image(Layout(tmp_path / "newer"), debian_files("3.11.9"))
    publish(registry, "team/python", "3.11", newer)
    other = replace(machine, environ={"LIGHTSHIP_HOME": str(tmp_path / "other")})
    registry.asked.clear()
    plan = plan_project(made.project(), "none", AMD64, other, locked=True)
    assert (plan.base.digest, plan.base.python) == (image.descriptor.digest, "3.11.2") if plan.base else False
    assert not registry.calls(words="manifests/3.11")
    del registry.content("team/python").manifests[image.descriptor.digest]
    third = replace(machine, environ={"LIGHTSHIP_HOME": str(tmp_path / "third")})
    with pytest.raises(NetworkError, match=f"no manifest {image.descriptor.digest}") as error:
        plan_project(made.project(), "none", AMD64, third, locked=True)
    assert "lightship lock --upgrade" in error.value.hint


def test_the_base_is_mounted_where_the_image_is_pushed_beside_it(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    lock(made, machine)
    built = machine.home.images.image(build(made, machine).descriptor)
    pushed = push(built, f"{registry.host}/team/app:1", machine, machine.registries())
    assert pushed.mounted == sum(layer.size for layer in image.manifest.layers)
    with serving() as elsewhere:
        copied = push(built, f"{elsewhere.host}/team/app:1", machine, machine.registries())
        assert (copied.mounted, copied.sent) == (0, pushed.sent + pushed.mounted)


def test_a_base_that_was_read_elsewhere_is_mounted_all_the_same(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "other/python", "1", image)
    source = find_source(f"{registry.host}/other/python:1", made.folder, machine)
    read_pinned(source, source.find(AMD64).descriptor.digest, AMD64, machine)
    registry.repositories.clear()
    publish(registry, "team/python", "3.11", image)
    lock(made, machine)
    built = machine.home.images.image(build(made, machine).descriptor)
    pushed = push(built, f"{registry.host}/team/app:1", machine, machine.registries())
    assert pushed.mounted == sum(layer.size for layer in image.manifest.layers)


def test_a_short_name_is_docker_hubs_unless_it_was_built_here(made: Locked, machine: Machine) -> None:
    hub = find_source("python:3.11-slim", made.folder, made.machine())
    with pytest.raises(NetworkError, match="not in the cache"):
        hub.find(AMD64)
    here = hello_image(machine.home.images, name="python:3.11-slim")
    found = find_source("python:3.11-slim", made.folder, made.machine()).find(AMD64)
    assert found.descriptor.digest == here.descriptor.digest


def test_a_name_with_a_registry_is_not_looked_up_in_the_store(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    hello_image(machine.home.images, name=name_of(made))
    found = find_source(name_of(made), made.folder, machine).find(AMD64)
    assert found.descriptor.digest == image.descriptor.digest


def test_what_was_pulled_under_a_short_name_is_not_taken_for_one_that_was_built(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    from lightship.registry.pull import SOURCE

    store = machine.home.images
    publish(registry, "team/python", "3.11", image)
    pull(name_of(made), machine, machine.registries())
    pulled = store.names()[name_of(made)]
    assert pulled.annotations[SOURCE] == image.descriptor.digest
    store.tag("python:3.11", pulled)
    with pytest.raises(NetworkError, match="not in the cache"):
        find_source("python:3.11", made.folder, made.machine()).find(AMD64)


def test_a_digest_in_the_name_asks_no_tag(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage, tmp_path: Path
) -> None:
    index = publish_index(
        registry, "team/python", "3.11", {"linux/amd64": image, "linux/arm64": arm(tmp_path)}
    )
    source = find_source(f"{registry.host}/team/python@{index}", made.folder, machine)
    assert source.find(AMD64).descriptor.digest == image.descriptor.digest
    assert registry.calls("HEAD") == []
    registry.asked.clear()
    assert source.find(AMD64).descriptor.digest == image.descriptor.digest
    assert registry.asked == []


def test_a_damaged_manifest_is_refused_and_one_that_was_kept_is_fetched_anew(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    registry.faults = Planned("GET", "manifests", [Fault.DAMAGE])
    with pytest.raises(IntegrityError, match="the registry sent a manifest"):
        base_digests(made.project(), machine)
    lock(made, machine)
    kept = machine.home.images.blob_path(image.descriptor.digest)
    kept.write_bytes(bytes(kept.stat().st_size))
    source = find_source(name_of(made), made.folder, machine)
    assert source.pinned(image.descriptor.digest).manifest == image.manifest


@pytest.mark.parametrize(
    ("tag", "words"), [("team/python:4", "no tag '4'"), ("team/other:1", "no such repository")]
)
def test_what_is_not_there_is_an_error_of_the_network(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage, tag: str, words: str
) -> None:
    publish(registry, "team/python", "3.11", image)
    with pytest.raises(NetworkError, match=words) as error:
        find_source(f"{registry.host}/{tag}", made.folder, machine).find(AMD64)
    assert (error.value.exit_code, bool(error.value.hint)) == (4, True)


def test_a_base_that_nobody_may_read_without_a_password_says_so(
    made: Locked, machine: Machine, registry: Registry, image: LayoutImage
) -> None:
    publish(registry, "team/python", "3.11", image)
    registry.auth, registry.users = "token", {"me": "secret"}
    with pytest.raises(NetworkError, match="lets nobody pull from this repository without a password"):
        base_digests(made.project(), machine)
