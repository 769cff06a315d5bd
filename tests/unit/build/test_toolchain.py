from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.build.toolchain import prepare_toolchain, toolchain_folder, toolchain_packages
from lightship.debs.model import LockedDeb
from lightship.errors import IntegrityError
from lightship.events import SilentReporter
from lightship.platform import Platform
from tests.unit.debs.forge import item, link, write_deb

AMD64 = Platform("amd64")
Prepare = Callable[..., Path]


@pytest.fixture
def gcc(tmp_path: Path) -> tuple[LockedDeb, Path]:
    items = [
        item("./usr/bin/gcc-12", b"compiler", mode=0o4755),
        link("./usr/bin/gcc", "gcc-12"),
        item("./usr/bin/python3.11", b"python", mode=0o755),
        item("./usr/include/stdio.h", b"header"),
    ]
    return write_deb(tmp_path, "gcc", items)


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    def prepared(*debs: tuple[LockedDeb, Path]) -> Path:
        return prepare_toolchain(
            [deb for deb, _ in debs],
            {deb.sha256: path for deb, path in debs},
            platform=AMD64,
            python="3.11",
            cache=tmp_path / "cache",
            reporter=SilentReporter(),
        )

    return prepared


def test_the_root_has_the_packages_and_what_their_scripts_would_have_made(
    prepare: Prepare, gcc: tuple[LockedDeb, Path]
) -> None:
    root = prepare(gcc)
    assert (root / "usr/include/stdio.h").read_bytes() == b"header"
    assert (root / "usr/bin/gcc").readlink() == Path("gcc-12")
    assert (root / "usr/bin/cc").readlink() == Path("gcc")
    assert (root / "usr/bin/python3").readlink() == Path("python3.11")
    assert (root / "bin").readlink() == Path("usr/bin")
    assert not (root / "usr/bin/c++").is_symlink()
    assert (root / "build").is_dir()
    assert (root / "out").is_dir()


def test_no_file_of_the_root_gives_rights(prepare: Prepare, gcc: tuple[LockedDeb, Path]) -> None:
    assert (prepare(gcc) / "usr/bin/gcc-12").stat().st_mode & 0o7777 == 0o755


def test_a_root_is_unpacked_once(prepare: Prepare, gcc: tuple[LockedDeb, Path]) -> None:
    root = prepare(gcc)
    gcc[1].unlink()
    assert prepare(gcc) == root


def test_other_packages_make_another_root(tmp_path: Path, gcc: tuple[LockedDeb, Path]) -> None:
    other = write_deb(tmp_path, "make", [item("./usr/bin/make", b"")])
    folders = {
        toolchain_folder([deb for deb, _ in debs], platform=AMD64, cache=tmp_path)
        for debs in ([gcc], [other], [gcc, other], [other, gcc])
    }
    assert len(folders) == 3


def test_a_damaged_package_leaves_nothing_behind(
    prepare: Prepare, gcc: tuple[LockedDeb, Path], tmp_path: Path
) -> None:
    gcc[1].write_bytes(gcc[1].read_bytes()[:-40])
    with pytest.raises(IntegrityError):
        prepare(gcc)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_builder_has_compilers_headers_and_what_every_debian_has() -> None:
    assert {"gcc", "g++", "make", "pkg-config", "python3.13-dev", "dash"} <= set(toolchain_packages("3.13"))
