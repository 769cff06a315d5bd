"""What decides that a wheel is built, and what is told when it cannot be; builds themselves: integration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from lightship.build.cache import Memo
from lightship.build.home import Home
from lightship.build.wheelhouse import BuilderRoot, Tools, Wheelhouse
from lightship.debs.model import LockedDeb
from lightship.errors import NetworkError, UsageError
from lightship.events import SilentReporter
from lightship.platform import Platform
from lightship.wheels.model import LockedArchive, LockedSdist, LockedWheel, SourceBuild

HERE = Platform("amd64" if os.uname().machine == "x86_64" else "arm64")
ELSEWHERE = Platform("arm64" if HERE.architecture == "amd64" else "amd64")
DEB = LockedDeb("gcc", "1", "amd64", "pool/gcc.deb", 1, "1" * 64)
ROOT = BuilderRoot((DEB,), HERE, "3.11.2", (2, 36))
REQUIRED = LockedWheel("setuptools", "80", "setuptools-80-py3-none-any.whl", "", "2" * 64)
BUILD = SourceBuild(LockedSdist("own", "1.0", "own-1.0.tar.gz", "", "3" * 64), (REQUIRED,))
WHEEL = LockedWheel("own", "1.0", "own-1.0-py3-none-any.whl", "built:x", "4" * 64, 5)


def fetch(wheels: Sequence[LockedArchive], debs: Sequence[LockedDeb]) -> Mapping[str, Path]:
    names = [*(wheel.name for wheel in wheels), *(deb.name for deb in debs)]
    raise NetworkError(", ".join(names))


def house(tmp_path: Path, uv_version: str = "1") -> Wheelhouse:
    return Wheelhouse(
        home=Home(tmp_path / "data", tmp_path / "cache"),
        tools=Tools(lambda: Path("/usr/bin/bwrap"), Path("/uv"), uv_version),
        fetch=fetch,
        resolve=lambda _: (),
        find=lambda _: None,
        reporter=SilentReporter(),
        seconds=60,
    )


def remember(made: Wheelhouse, size: int) -> None:
    Memo(made.home.cache / "wheels").put(made.key(BUILD, ROOT), WHEEL)
    path = made.home.archives / "sha256" / WHEEL.sha256
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * size)


def test_a_wheel_that_was_built_before_is_not_built_again(tmp_path: Path) -> None:
    made = house(tmp_path)
    remember(made, WHEEL.size)
    assert made.build_all([BUILD, BUILD], ROOT) == (WHEEL, WHEEL)


@pytest.mark.parametrize("size", [0, 4])
def test_a_wheel_that_is_no_longer_whole_is_built_again(tmp_path: Path, size: int) -> None:
    made = house(tmp_path)
    remember(made, size)
    with pytest.raises(NetworkError, match="own, setuptools, gcc"):
        made.build_all([BUILD], ROOT)


def test_all_that_decides_a_wheel_is_in_its_key(tmp_path: Path) -> None:
    key = house(tmp_path).key(BUILD, ROOT)
    other_sdist = replace(BUILD, sdist=replace(BUILD.sdist, sha256="5" * 64))
    other_deb = BuilderRoot((replace(DEB, sha256="5" * 64),), HERE, "3.11.2", (2, 36))
    others = {
        house(tmp_path, "2").key(BUILD, ROOT),
        house(tmp_path).key(other_sdist, ROOT),
        house(tmp_path).key(replace(BUILD, requirements=()), ROOT),
        house(tmp_path).key(BUILD, other_deb),
    }
    assert len(others | {key}) == 5
    assert house(tmp_path / "elsewhere").key(replace(BUILD), ROOT) == key


def test_a_platform_that_this_machine_does_not_run_is_refused_before_anything_is_fetched(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=f"own 1.0 has no wheel for {ELSEWHERE}"):
        house(tmp_path).build_all([BUILD], BuilderRoot((DEB,), ELSEWHERE, "3.11.2", (2, 36)))
