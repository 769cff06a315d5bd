"""A locked project on an image, planned and built without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build import locking
from lightship.build.building import build_plan, plan_project
from lightship.build.layerstore import StoredLayer
from lightship.build.rootfs import layer_store
from lightship.errors import CheckError, IntegrityError, UsageError
from lightship.events import SilentReporter
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.record import Compression
from lightship.oci.validate import validate
from lightship.plan.model import Plan
from tests.support.bases import base_image, debian_files
from tests.support.locked import AMD64, Locked, locked_project, write_lock

BASE = "oci:./base:base"


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    made = locked_project(tmp_path)
    (made.folder / "lightship.toml").write_text(f'base = "{BASE}"\n')
    image = base_image(layout(made), env=("PATH=/usr/bin", "KEPT=1"))
    write_lock(made, BASE, {AMD64: image.descriptor.digest})
    return made


def layout(made: Locked) -> Layout:
    return Layout(made.folder / "base")


def plan(made: Locked) -> Plan:
    return plan_project(made.project(), "none", AMD64, made.machine(), locked=True)


def build(made: Locked) -> LayoutImage:
    machine = made.machine()
    built = build_plan(made.project(), plan(made), machine, Compression.GZIP)
    return machine.home.images.image(built.descriptor)


def unpacked(made: Locked, image: LayoutImage) -> dict[str, str]:
    layers: list[StoredLayer] = layer_store(made.root / "unpacked").get_all(image.layers, SilentReporter())
    return {
        member.path: layer.file(member).read_text() if member.number >= 0 else member.target
        for layer in layers[2:]
        for member in layer.members
    }


def test_an_image_has_the_bases_layers_and_its_own(made: Locked) -> None:
    image = build(made)
    validate(image)
    base = layout(made).image(layout(made).names()["base"])
    assert image.manifest.layers[:2] == base.manifest.layers
    assert image.config.rootfs.diff_ids[:2] == base.config.rootfs.diff_ids
    assert len(image.manifest.layers) > 3
    assert image.config.history[0].created_by == f"lightship: base: layer 1 of 2 of {BASE}"
    environment = image.config.config.environment
    assert (environment["PATH"], environment["KEPT"]) == ("/opt/venv/bin:/usr/bin", "1")


def test_the_environment_uses_the_bases_python_and_extends_its_accounts(made: Locked) -> None:
    files = debian_files() | {"usr/local/bin/python3.11": debian_files("3.11.9")["usr/bin/python3.11"]}
    image = base_image(layout(made), files, env=("PATH=/usr/local/bin:/usr/bin",))
    write_lock(made, BASE, {AMD64: image.descriptor.digest})
    found = unpacked(made, build(made))
    assert found["opt/venv/bin/python"] == "/usr/local/bin/python3.11"
    assert found["opt/venv/pyvenv.cfg"].startswith("home = /usr/local/bin\n")
    assert found["etc/passwd"].splitlines() == [
        "root:x:0:0:root:/root:/bin/bash",
        "appuser:x:1001:1001::/nonexistent:/usr/sbin/nologin",
    ]
    assert found["etc/group"] == "root:x:0:\nappuser:x:1001:\n"


def test_a_second_build_copies_nothing_and_needs_no_layout(made: Locked) -> None:
    machine, planned = made.machine(), plan(made)
    first = build_plan(made.project(), planned, machine, Compression.GZIP)
    assert [layer.made for layer in first.layers][:2] == [True, True]
    for layer in planned.layers[:2]:
        layout(made).blob_path(layer.record.descriptor.digest).unlink()  # type: ignore[union-attr]
    again = build_plan(made.project(), plan(made), machine, Compression.GZIP)
    assert (again.descriptor, again.added) == (first.descriptor, 0)


def test_a_plan_knows_the_sizes_of_the_bases_layers(made: Locked) -> None:
    from lightship.build.building import builder_for

    known = builder_for(made.project(), made.machine()).known(plan(made))
    assert [record is not None for record in known[:3]] == [True, True, False]


def test_a_layout_that_names_another_image_makes_the_lock_stale(made: Locked) -> None:
    base_image(layout(made), debian_files("3.11.8"))
    with pytest.raises(CheckError, match="the lock is stale"):
        plan(made)
    layout(made).tag("base", layout(made).names()["base"])


def test_a_lock_without_the_images_digest_is_refused(made: Locked) -> None:
    write_lock(made, BASE)
    with pytest.raises(UsageError, match="does not say which image the base is") as error:
        plan(made)
    assert error.value.where == str(made.lock)


def test_a_layer_that_changed_since_it_was_read_is_an_integrity_error(made: Locked) -> None:
    planned = plan(made)
    blob = layout(made).blob_path(planned.layers[0].record.descriptor.digest)  # type: ignore[union-attr]
    blob.write_bytes(bytes(blob.stat().st_size))
    machine = made.machine()
    with pytest.raises(IntegrityError, match="damaged"):
        build_plan(made.project(), planned, machine, Compression.GZIP)
    assert not machine.home.images.blob_path(planned.layers[0].record.descriptor.digest).exists()  # type: ignore[union-attr]


def test_another_python_is_refused_when_it_is_locked(made: Locked) -> None:
    (made.folder / "lightship.toml").write_text(f'base = "{BASE}"\npython = "3.13"\n')
    with pytest.raises(UsageError, match=r"the base has Python 3\.11\.2 .* and CPython 3\.13 is wanted"):
        locking.make_lock(made.project(), "none", made.machine())


def test_a_working_directory_behind_a_link_of_the_base_is_refused(made: Locked) -> None:
    (made.folder / "lightship.toml").write_text(f'base = "{BASE}"\nworkdir = "/lib/app"\n')
    with pytest.raises(UsageError, match="the base's /lib is a link to /usr/lib"):
        plan(made)
