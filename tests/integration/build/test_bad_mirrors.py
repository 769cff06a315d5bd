"""Mirrors and disks that fail: a clear error, nothing wrong left behind, and then the right image."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.errors import IntegrityError, NetworkError, StageError
from scripts.ports import free_port
from tests.integration.build.conftest import Service
from tests.integration.build.damage import assert_intact, flip, follow_hint
from tests.unit.debs.forge import Keys, Repository

pytestmark = pytest.mark.integration


@pytest.fixture
def mirror(service: Service, reference: str, tmp_path: Path) -> Path:
    """A copy of the mirror that holds the locked packages, and no index."""
    assert reference
    root = tmp_path / "mirror"
    for deb in service.debs():
        place = root / deb.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(service.lightship.home.archives / "sha256" / deb.sha256, place)
    return root


def with_mirror(service: Service, url: str) -> Service:
    """Have it fetch packages again, from one place for Debian's archive and its security archive."""
    shutil.rmtree(service.lightship.home.cache)
    return service.using(LIGHTSHIP_DEBIAN_MIRROR=f"{url} {url}")


def test_a_deb_that_the_mirror_truncates(service: Service, reference: str, mirror: Path) -> None:
    service = with_mirror(service, mirror.as_uri())
    (deb,) = (deb for deb in service.debs() if deb.name == "libssl3")
    whole = (mirror / deb.path).read_bytes()
    (mirror / deb.path).write_bytes(whole[:100_000])
    said = service.fails(IntegrityError.exit_code, "--locked")
    assert "libssl3" in said
    assert_intact(service.lightship)
    (mirror / deb.path).write_bytes(whole)
    assert service.build("--locked") == reference


def test_a_mirror_that_does_not_answer(service: Service, reference: str, mirror: Path) -> None:
    closed = f"http://127.0.0.1:{free_port()}/debian"
    service = with_mirror(service, closed)
    for arguments in (("build", "--locked"), ("lock", "--upgrade")):
        said = service.lightship.fails(NetworkError.exit_code, *arguments, cwd=service.folder)
        assert closed in said
        assert_intact(service.lightship)
    assert with_mirror(service, mirror.as_uri()).build("--locked") == reference


def test_a_cached_deb_that_the_disk_damaged(service: Service, reference: str) -> None:
    (deb,) = (deb for deb in service.debs() if deb.name == "zlib1g")
    shutil.rmtree(service.lightship.home.cache / "layers")
    flip(service.lightship.home.archives / "sha256" / deb.sha256, deb.size // 2)
    said = service.fails(IntegrityError.exit_code, "--locked")
    assert "zlib1g" in said
    follow_hint(service.lightship, said)
    assert service.build("--locked") == reference


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[Repository]:
    """A Debian archive that somebody else has signed."""
    keys = Keys(tmp_path / "keys")
    keys.home.mkdir(mode=0o700)
    keys.generate()
    repository = Repository(tmp_path / "strangers", keys)
    repository.write([])
    yield repository
    keys.stop_agent()


@pytest.mark.requires_tool("gpg")
def test_an_index_with_a_strangers_signature(service: Service, strangers: Repository, tmp_path: Path) -> None:
    empty = replace(service.lightship, root=tmp_path / "empty")
    fooled = empty.using(LIGHTSHIP_DEBIAN_MIRROR=strangers.root.as_uri())
    said = fooled.fails(IntegrityError.exit_code, "build", cwd=service.folder)
    assert "signature" in said
    assert strangers.root.as_uri() in said
    assert not service.lock_file.exists()
    assert_intact(fooled)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk: run the tests as root")
@pytest.mark.parametrize("megabytes", [2, 12, 22])
def test_a_full_disk(service: Service, reference: str, mirror: Path, tmp_path: Path, megabytes: int) -> None:
    """It is full while packages are fetched (14 MB of them), or while layers are written."""
    service = with_mirror(service, mirror.as_uri())
    with small_disk(tmp_path / "small", megabytes) as disk:
        lightship = replace(service.lightship, root=disk)
        said = lightship.fails(StageError.exit_code, "build", "--locked", cwd=service.folder)
        assert "no space is left" in said
        assert str(disk) in said
        assert_intact(lightship)
        subprocess.run(["/bin/mount", "-o", "remount,size=200m", disk], check=True)
        assert lightship.build(service.folder, "--locked") == reference


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Path]:
    path.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["/bin/umount", path], check=True)
