from __future__ import annotations

from pathlib import Path

import pytest

from lightship.build.building import build_plan, default_name, plan_project, tag
from lightship.build.locks import is_current
from lightship.build.selecting import select
from lightship.errors import CheckError, LightshipError, UsageError
from lightship.oci.record import Compression
from lightship.oci.validate import validate
from lightship.plan.model import Plan
from lightship.platform import Platform
from tests.support.locked import AMD64, Locked, locked_project, write_lock


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


def plan(made: Locked, platform: Platform = AMD64, *, locked: bool = True) -> Plan:
    return plan_project(made.project(), "none", platform, made.machine(), locked=locked)


def test_a_locked_project_is_planned_and_built_offline(made: Locked) -> None:
    machine, planned = made.machine(), plan(made)
    assert sorted(wheel.name for wheel in planned.wheels) == ["demo", "other"]
    assert sorted(deb.name for deb in planned.debs) == ["base-files", "libc6", "python3.11-minimal"]
    built = build_plan(made.project(), planned, machine, Compression.GZIP)
    validate(machine.home.images.image(built.descriptor))
    again = build_plan(made.project(), plan(made), made.machine(), Compression.GZIP)
    assert again.descriptor == built.descriptor
    assert again.added == 0


def test_an_image_is_tagged_in_full(made: Locked) -> None:
    machine, planned = made.machine(), plan(made)
    built = build_plan(made.project(), planned, machine, Compression.GZIP)
    assert default_name(planned) == "project:none"
    assert tag(built.descriptor, "project", machine) == "project:latest"
    assert sorted(machine.home.images.names()) == ["project:latest"]
    with pytest.raises(UsageError, match="is not an image reference"):
        tag(built.descriptor, "Not A Name", machine)


def test_a_lock_is_current_until_something_else_is_asked_for(made: Locked) -> None:
    assert is_current(made.project(), "none", made.machine())
    (made.folder / "requirements.txt").write_text("demo\nother\n# a remark\n\n")
    assert is_current(made.project(), "none", made.machine())
    (made.folder / "requirements.txt").write_text("demo\nother>=1\n")
    assert not is_current(made.project(), "none", made.machine())
    write_lock(made)
    assert is_current(made.project(), "none", made.machine())


@pytest.mark.parametrize(
    "text",
    [
        'python = "3.13"\n',
        'base = "debian:trixie"\n',
        'runtime-packages = ["libpq5"]\n',
        'platforms = ["arm64"]\n',
    ],
)
def test_a_lock_is_stale_when_the_configuration_changes(made: Locked, text: str) -> None:
    (made.folder / "lightship.toml").write_text(text)
    assert not is_current(made.project(), "none", made.machine())


@pytest.mark.parametrize(
    "text", ['workdir = "/srv"\n', "ports = [1]\n", 'env = { A = "b" }\n', 'budget = "1MB"\n']
)
def test_a_lock_stays_current_when_only_the_image_changes(made: Locked, text: str) -> None:
    (made.folder / "lightship.toml").write_text(text)
    assert is_current(made.project(), "none", made.machine())


def test_locked_insists_on_a_current_lock(made: Locked) -> None:
    (made.folder / "requirements.txt").write_text("more\n")
    with pytest.raises(CheckError, match="the lock is stale") as error:
        plan(made)
    assert (error.value.where, error.value.exit_code) == (str(made.lock), 1)
    made.lock.unlink()
    with pytest.raises(CheckError, match="the lock is missing"):
        plan(made)


def test_without_a_lock_there_is_no_selection(made: Locked) -> None:
    made.lock.unlink()
    with pytest.raises(UsageError, match="there is no lock") as error:
        select(made.project(), "none", AMD64, made.machine())
    assert "lightship lock" in error.value.hint


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"lock-version = \n", b'lock-version = "1.0"\n'])
def test_a_damaged_lock_is_an_error_that_names_it(made: Locked, data: bytes) -> None:
    made.lock.write_bytes(data)
    for call in (
        lambda: select(made.project(), "none", AMD64, made.machine()),
        lambda: is_current(made.project(), "none", made.machine()),
    ):
        with pytest.raises(UsageError) as error:
            call()
        assert error.value.where == str(made.lock)
        assert "lightship lock" in error.value.hint


def test_a_platform_that_is_not_locked_is_an_error(made: Locked) -> None:
    with pytest.raises(UsageError, match="was not made for linux/arm64") as error:
        plan(made, Platform("arm64"))
    assert "platforms" in error.value.hint


def test_an_unknown_variant_is_an_error(made: Locked) -> None:
    with pytest.raises(UsageError, match="unknown variant"):
        plan_project(made.project(), "cuda", AMD64, made.machine(), locked=True)


STAGE = '[stages.model]\nrun = ["{run}"]\ncopy = {{ "/out/a" = "/app/a" }}\n{more}'


def test_a_lock_is_stale_when_stages_install_or_take_other_things(made: Locked) -> None:
    (made.folder / "requirements-export.txt").write_text("demo\n")

    def current(run: str, more: str = "") -> bool:
        (made.folder / "lightship.toml").write_text(STAGE.format(run=run, more=more))
        return is_current(made.project(), "none", made.machine())

    assert not current("make")
    write_lock(made)
    assert current("make")
    assert current("make all")
    assert not current("make", 'from = { "oci:../tool:/a" = "a" }\n')
    assert not current("make", 'requirements = ["requirements-export.txt"]\n')
    write_lock(made)
    assert current("make", 'requirements = ["requirements-export.txt"]\n')
    (made.folder / "requirements-export.txt").write_text("demo  # as before\n")
    assert current("make", 'requirements = ["requirements-export.txt"]\n')
    (made.folder / "requirements-export.txt").write_text("demo==1.0\n")
    assert not current("make", 'requirements = ["requirements-export.txt"]\n')


def test_a_damaged_cache_of_selections_is_read_anew(made: Locked) -> None:
    first = plan(made)
    for path in made.machine().home.cache.rglob("*"):
        if path.is_file() and "archives" not in path.parts:
            path.write_bytes(b"\xc1")
    assert plan(made) == first


def test_a_missing_archive_is_an_error_when_offline(made: Locked) -> None:
    deb = plan(made).debs[0]
    (made.machine().home.archives / "sha256" / deb.sha256).unlink()
    with pytest.raises(LightshipError, match="not in the cache") as error:
        build_plan(made.project(), plan(made), made.machine(), Compression.GZIP)
    assert (error.value.exit_code, bool(error.value.hint)) == (4, True)


def test_a_wheel_that_is_not_the_locked_one_is_an_error(made: Locked) -> None:
    planned = plan(made)
    path = made.root / "index" / planned.wheels[0].filename
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(LightshipError) as error:
        build_plan(made.project(), planned, made.machine(), Compression.GZIP)
    assert error.value.exit_code == 6
    assert not list((made.machine().home.archives / "sha256").glob(f"{planned.wheels[0].sha256}*"))
