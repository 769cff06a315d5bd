"""A build that is killed at any moment, and builds that share a home (the design's fourth invariant)."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.oci.validate import layout_problems
from tests.integration.build.calling import TIMEOUT, Lightship
from tests.integration.build.conftest import Service
from tests.support.wheels import filename, wheel_bytes

pytestmark = pytest.mark.integration
KILLS = 20
SECONDS = 50.0
"""After this long no further kill is tried, but for the first few."""
FEWEST = 8


@pytest.fixture
def archives(service: Service, reference: str, tmp_path: Path) -> Service:
    """The service with its Debian packages in a mirror on the disk, for cold builds."""
    assert reference
    mirror = tmp_path / "mirror"
    for deb in service.debs():
        (mirror / deb.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(service.lightship.home.archives / "sha256" / deb.sha256, mirror / deb.path)
    return service.using(LIGHTSHIP_DEBIAN_MIRROR=f"{mirror.as_uri()} {mirror.as_uri()}")


def test_a_build_killed_at_any_moment_can_be_repeated(
    archives: Service, reference: str, tmp_path: Path
) -> None:
    whole = time_of_build(archives, tmp_path / "timed")
    started, killed = time.monotonic(), 0
    for number in shuffled(KILLS):
        if number and killed >= FEWEST and time.monotonic() - started > SECONDS:
            break
        root = tmp_path / f"killed-{number}"
        lightship = replace(archives.lightship, root=root)
        killed += kill_after(whole * (number + 1) / (KILLS + 1), lightship, archives.folder)
        assert lightship.build(archives.folder, "--locked") == reference
        assert layout_problems(lightship.home.images) == []
        shutil.rmtree(root)
    assert killed >= FEWEST


def shuffled(count: int) -> list[int]:
    """Every moment, in an order that spreads over the build however early the time is up."""
    numbers = list(range(count))
    random.Random(1).shuffle(numbers)  # noqa: S311 - the same moments in every run
    return numbers


def time_of_build(service: Service, root: Path) -> float:
    started = time.monotonic()
    replace(service.lightship, root=root).build(service.folder, "--locked")
    shutil.rmtree(root)
    return time.monotonic() - started


def kill_after(seconds: float, lightship: Lightship, folder: Path, *, locked: bool = True) -> bool:
    """Kill a build at a moment; tells whether it was still at it."""
    process = lightship.start("build", *(("--locked",) if locked else ()), cwd=folder)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    return False


def test_a_build_that_was_killed_and_killed_again_ends_right(
    archives: Service, reference: str, tmp_path: Path
) -> None:
    lightship = replace(archives.lightship, root=tmp_path / "home-of-all")
    for tenths in (3, 5, 8, 10, 12):
        kill_after(tenths / 10, lightship, archives.folder)
    assert lightship.build(archives.folder, "--locked") == reference
    assert layout_problems(lightship.home.images) == []
    lightship.ask("cache", "prune", cwd=archives.folder)
    assert list(lightship.home.images.blobs.glob(".tmp-*")) == []
    assert layout_problems(lightship.home.images) == []


def test_a_build_killed_while_it_locks_can_be_repeated(service: Service, reference: str) -> None:
    lock = service.lock_file.read_bytes()
    for tenths in (2, 4, 6, 8):
        service.lock_file.unlink()
        kill_after(tenths / 10, service.lightship, service.folder, locked=False)
        assert not service.lock_file.exists() or service.lock_file.read_bytes() == lock
        assert service.build() == reference


def test_builds_at_once_share_a_home(archives: Service, reference: str, tmp_path: Path) -> None:
    """All start from nothing, so that they fetch and make the same things at the same time."""
    lightship = replace(archives.lightship, root=tmp_path / "shared")
    names = [f"greeter:{number}" for number in range(3)]
    builds = [
        lightship.start("build", "--locked", "--json", "-t", name, cwd=archives.folder) for name in names
    ]
    for build in builds:
        out, err = build.communicate(timeout=TIMEOUT)
        assert build.returncode == 0, err
        assert json.loads(out)["digest"] == reference
    assert sorted(lightship.home.images.names()) == names
    assert layout_problems(lightship.home.images) == []
    assert list(lightship.root.rglob(".tmp-*")) == []


MORE = """
[tool.lightship.variants.more]
requirements = ["requirements.txt", "requirements-more.txt"]
torch = "none"
"""


def test_variants_built_at_once_share_what_they_have_in_common(service: Service, tmp_path: Path) -> None:
    with (service.folder / "pyproject.toml").open("a") as file:
        file.write(MORE)
    (service.folder / "requirements-more.txt").write_text("other==1.0\n")
    (service.wheel.parent / filename("other", "1.0")).write_bytes(
        wheel_bytes("other", "1.0", {"other.py": b""})
    )
    digests = {variant: service.build("--variant", variant) for variant in ("none", "more")}
    lightship = service.lightship.warm(tmp_path / "shared")
    builds = {
        variant: lightship.start("build", "--locked", "--json", "--variant", variant, cwd=service.folder)
        for variant in digests
    }
    for variant, build in builds.items():
        out, err = build.communicate(timeout=TIMEOUT)
        assert build.returncode == 0, err
        assert json.loads(out)["digest"] == digests[variant]
    assert set(lightship.home.images.names()) == {"greeter:none", "greeter:more"}
    assert layout_problems(lightship.home.images) == []
