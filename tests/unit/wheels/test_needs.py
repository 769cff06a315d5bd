from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lightship.elf import ElfInfo
from lightship.errors import IntegrityError, StageError
from lightship.platform import Platform
from lightship.wheels.model import LockedWheel
from lightship.wheels.needs import Need, read_elves, system_needs
from tests.support.elves import AARCH64, elf
from tests.support.wheels import Packed, wheel_bytes, write_wheel

AMD64, ARM64 = Platform("amd64"), Platform("arm64")
C = "libc.so.6"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(
    folder: Path, name: str, files: Mapping[str, bytes | Packed]
) -> tuple[LockedWheel, dict[str, ElfInfo]]:
    wheel = write_wheel(folder, name, "1.0", wheel_bytes(name, "1.0", files))
    return wheel, read_elves(folder / wheel.sha256, wheel, scratch=folder)


def needs(
    folder: Path, wheels: Mapping[str, Mapping[str, bytes | Packed]], platform: Platform = AMD64
) -> list[tuple[str, str, str]]:
    elves = dict(read(folder, name, files) for name, files in wheels.items())
    return [(need.soname, need.wheel, need.file) for need in system_needs(elves, platform)]


def test_elf_files_are_found_by_what_they_are_and_not_by_their_names(folder: Path) -> None:
    files: dict[str, bytes | Packed] = {
        "a/x.so": elf([C], soname="libx.so.1"),
        "a/program": elf([C], interpreter="/lib64/ld-linux-x86-64.so.2"),
        "a/stored.so": Packed(elf(["libz.so.1"]), stored=True),
        "a/__init__.py": b"#" * 100,
        "a/short.so": b"\x7fELF",
        "a/broken.so": b"\x7fELF" + bytes(100),
        "a/empty.so": b"",
    }
    _, found = read(folder, "a", files)
    assert {path: info.needed for path, info in found.items()} == {
        "a/x.so": (C,),
        "a/program": (C,),
        "a/stored.so": ("libz.so.1",),
    }
    assert found["a/x.so"].soname == "libx.so.1"


def test_a_big_library_is_read_without_being_held(folder: Path, tmp_path: Path) -> None:
    big = elf([C]) + bytes(20 << 20)
    assert read(folder, "a", {"a/big.so": big})[1]["a/big.so"].needed == (C,)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp")] == []


def test_a_scratch_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    wheel = write_wheel(folder, "a", "1.0", wheel_bytes("a", "1.0", {"a/big.so": elf([C]) + bytes(9 << 20)}))
    with pytest.raises(StageError, match="cannot write") as raised:
        read_elves(folder / wheel.sha256, wheel, scratch=folder / "missing")
    assert raised.value.where == str(folder / "missing")


def test_a_damaged_wheel_is_named(folder: Path) -> None:
    wheel = write_wheel(folder, "a", "1.0", wheel_bytes("a", "1.0", {"a/x.so": elf([C])})[:-30])
    with pytest.raises(IntegrityError, match="not a wheel") as raised:
        read_elves(folder / wheel.sha256, wheel, scratch=folder)
    assert wheel.filename in str(raised.value)


def test_what_no_wheel_brings_is_needed_and_who_asks_is_said(folder: Path) -> None:
    assert needs(folder, {"a": {"a/x.so": elf([C, "libpq.so.5"])}, "b": {"b/y.so": elf([C])}}) == [
        (C, "a", "a/x.so"),
        (C, "b", "b/y.so"),
        ("libpq.so.5", "a", "a/x.so"),
    ]
    assert Need(C, "a", "x") < Need(C, "b", "a")


@pytest.mark.parametrize("how", ["runpath", "rpath"])
def test_auditwheels_folder_is_part_of_the_wheel(folder: Path, how: str) -> None:
    origin = "$ORIGIN/../a.libs"
    user = elf(["libpq-1234.so.5"], **{how: origin})  # type: ignore[arg-type]
    bundled = elf(["libssl-5678.so.3"], soname="libpq-1234.so.5", runpath="$ORIGIN")
    other = elf(soname="libssl-5678.so.3")
    files = {"a/x.so": user, "a.libs/libpq-1234.so.5": bundled, "a.libs/libssl-5678.so.3": other}
    assert needs(folder, {"a": files}) == []


def test_a_library_that_the_wheel_loads_itself_is_brought(folder: Path) -> None:
    files = {"a/x.so": elf(["libinner.so.1"]), "a/lib/other-name.so": elf(soname="libinner.so.1")}
    assert needs(folder, {"a": files}) == []


def test_a_library_that_another_wheel_brings_is_brought(folder: Path) -> None:
    wheels = {
        "torch": {"torch/lib/libtorch.so": elf(["libcudart.so.12"])},
        "nvidia": {"nvidia/cuda_runtime/lib/libcudart.so.12": elf()},
    }
    assert needs(folder, wheels) == []


def test_another_wheels_copy_of_what_every_system_has_does_not_count(folder: Path) -> None:
    wheels = {
        "a": {"a/x.so": elf(["libstdc++.so.6"])},
        "b": {"b/lib/libstdc++.so.6": elf(), "b/y.so": elf(["libstdc++.so.6"])},
    }
    assert needs(folder, wheels) == [("libstdc++.so.6", "a", "a/x.so")]


def test_another_wheels_copy_counts_where_the_loader_finds_it(folder: Path) -> None:
    wheels = {
        "a": {"a/x.so": elf(["libstdc++.so.6"], runpath="$ORIGIN/../b/lib")},
        "b": {"b/lib/libstdc++.so.6": elf()},
    }
    assert needs(folder, wheels) == []


@pytest.mark.parametrize("scheme", ["purelib", "platlib"])
def test_files_of_the_data_folder_are_where_they_are_installed(folder: Path, scheme: str) -> None:
    files = {
        f"a-1.0.data/{scheme}/a/x.so": elf(["libstdc++.so.6"], runpath="$ORIGIN/../../../../../lib"),
        "a-1.0.data/data/lib/libgcc_s.so.1": elf(),
    }
    wheels = {"a": files, "b": {"b-1.0.data/data/lib/libstdc++.so.6": elf()}}
    # site-packages is <prefix>/lib/python3/site-packages, so that the prefix's lib is three folders up
    assert needs(folder, wheels) == [("libstdc++.so.6", "a", f"a-1.0.data/{scheme}/a/x.so")]
    files[f"a-1.0.data/{scheme}/a/x.so"] = elf(["libstdc++.so.6"], runpath="$ORIGIN/../../..")
    assert needs(folder, {**wheels, "a": files}) == []


def test_the_driver_comes_from_the_host(folder: Path) -> None:
    assert needs(folder, {"a": {"a/x.so": elf(["libcuda.so.1", "libnvidia-ml.so.1"])}}) == []


def test_only_files_for_the_platform_ask(folder: Path) -> None:
    wheels = {"a": {"a/x.so": elf(["libx.so.1"]), "a/y.so": elf(["liby.so.1"], machine=AARCH64)}}
    assert needs(folder, wheels) == [("libx.so.1", "a", "a/x.so")]
    assert needs(folder, wheels, ARM64) == [("liby.so.1", "a", "a/y.so")]


def test_pure_wheels_need_nothing(folder: Path) -> None:
    assert needs(folder, {"a": {"a/__init__.py": b"x = 1\n" * 100}}) == []
