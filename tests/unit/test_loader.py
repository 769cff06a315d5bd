from __future__ import annotations

import io
import posixpath
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from lightship.elf import read_elf
from lightship.loader import Loader, Missing, Outdated, is_driver, is_optional, parse_cache
from tests.support.elves import AARCH64, elf


def missing(
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    library_path: tuple[str, ...] = (),
    cache: Mapping[str, str] | None = None,
) -> list[Missing]:
    infos = {path: info for path, data in files.items() if (info := read_elf(io.BytesIO(data)))}

    def find(path: str) -> str | None:
        path = posixpath.normpath(path).lstrip("/")
        path = (links or {}).get(path, path)
        return path if path in infos else None

    return Loader(find, infos, library_path, cache or {}, "x86_64").missing()


def test_default_folders_are_searched() -> None:
    for folder in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib", "usr/lib64"):
        assert not missing({"bin/a": elf(["libc.so.6"]), f"{folder}/libc.so.6": elf()})
    assert missing({"bin/a": elf(["libc.so.6"])}) == [Missing("bin/a", "libc.so.6")]


@pytest.mark.parametrize("origin", ["$ORIGIN/../x.libs", "${ORIGIN}/../x.libs"])
@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_origin_is_the_folder_of_the_file(origin: str, kind: str) -> None:
    user = elf(["libb.so"], rpath=origin) if kind == "rpath" else elf(["libb.so"], runpath=origin)
    assert not missing({"s/x/a.so": user, "s/x.libs/libb.so": elf()})


@pytest.mark.parametrize("folder", ["/opt/lib/x86_64-linux-gnu", "/opt/lib64", "/opt/lib"])
def test_lib_and_platform_are_replaced(folder: str) -> None:
    assert not missing({"a": elf(["b.so"], runpath="/opt/$LIB"), f"{folder[1:]}/b.so": elf()})
    assert not missing({"a": elf(["b.so"], runpath="/p/${PLATFORM}"), "p/x86_64/b.so": elf()})


def test_an_rpath_serves_what_is_loaded_below_it_and_a_runpath_does_not() -> None:
    below = {"x/libb.so": elf(["libc.so"]), "x/libc.so": elf()}
    assert not missing({"a": elf(["libb.so"], rpath="/x"), **below})
    assert missing({"a": elf(["libb.so"], runpath="/x"), **below}) == [
        Missing("x/libb.so", "libc.so", "x/libc.so")
    ]


def test_a_runpath_of_its_own_shuts_the_rpath_above_out() -> None:
    files = {
        "a": elf(["libb.so"], rpath="/x"),
        "x/libb.so": elf(["libc.so"], runpath="/y"),
        "x/libc.so": elf(),
    }
    assert missing(files) == [Missing("x/libb.so", "libc.so", "x/libc.so")]


def test_the_images_library_path_and_cache_are_used() -> None:
    files = {"a": elf(["b.so"]), "opt/b.so": elf()}
    assert missing(files) == [Missing("a", "b.so", "opt/b.so")]
    assert not missing(files, library_path=("/opt",))
    assert not missing(files, cache={"b.so": "/opt/b.so"})


def test_a_library_of_another_machine_is_passed_over() -> None:
    files = {"a": elf(["b.so"]), "lib/b.so": elf(machine=AARCH64), "usr/lib/b.so": elf()}
    assert not missing(files)
    del files["usr/lib/b.so"]
    assert missing(files) == [Missing("a", "b.so", "lib/b.so")]


def test_a_name_that_was_loaded_before_is_satisfied() -> None:
    """`libb` needs `libc` and has no path to it, but the program has loaded it by then."""
    files = {
        "a": elf(["libc.so.1", "libb.so"], rpath=""),
        "lib/libb.so": elf(["libc.so.1"]),
        "lib/libc.so.1": elf(soname="libc.so.1"),
    }
    assert not missing(files)
    moved = {
        "a": elf(["libreal.so", "libb.so"], runpath="/x"),
        "x/libreal.so": elf(soname="libc.so.1"),
        "x/libb.so": elf(["libc.so.1"]),
    }
    assert not missing(moved)


def test_a_symlink_gives_a_library_its_name() -> None:
    files = {"a": elf(["b.so.1"]), "lib/b.so.1.2": elf(soname="b.so.1")}
    assert not missing(files, links={"lib/b.so.1": "lib/b.so.1.2"})
    assert missing(files) == [Missing("a", "b.so.1", "lib/b.so.1.2")]


def test_a_needed_path_is_opened_as_it_is() -> None:
    assert not missing({"a": elf(["/opt/b.so"]), "opt/b.so": elf()})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libcuda.so.1", True),
        ("libnvidia-ml.so.1", True),
        ("libcudart.so.12", False),
        ("libcublas.so.12", False),
    ],
)
def test_only_the_drivers_own_libraries_come_from_the_host(name: str, *, expected: bool) -> None:
    assert is_driver(name) is expected
    assert bool(missing({"a": elf([name])})) is not expected


def test_a_cache_is_read() -> None:
    strings = b"liba.so.1\0/opt/liba.so.1\0"
    start = 48 + 24
    entry = struct.pack("<iIIIQ", 0x303, start, start + 10, 0, 0)
    data = b"glibc-ld.so.cache1.1" + struct.pack("<II", 1, len(strings)) + bytes(20) + entry + strings
    assert parse_cache(data) == {"liba.so.1": "/opt/liba.so.1"}
    assert parse_cache(b"old format".ljust(16, b"\0") + data) == {"liba.so.1": "/opt/liba.so.1"}


@pytest.mark.parametrize("data", [b"", b"glibc-ld.so.cache1.1", b"glibc-ld.so.cache1.1" + b"\xff" * 90])
def test_a_cache_that_cannot_be_read_is_empty(data: bytes) -> None:
    assert parse_cache(data) == {}


def test_the_hosts_cache_names_its_c_library() -> None:
    cache = Path("/etc/ld.so.cache")
    if cache.exists():
        assert Path(parse_cache(cache.read_bytes())["libc.so.6"]).exists()


def test_parts_that_may_be_missing_are_known_in_images_and_in_wheels() -> None:
    assert is_optional("opt/venv/lib/python3.11/site-packages/numba/np/ufunc/tbbpool.so")
    assert is_optional("numba/np/ufunc/tbbpool.so")
    assert not is_optional("numba/core/typeconv/_typeconv.so")


def outdated(files: Mapping[str, bytes]) -> list[Outdated]:
    infos = {
        path: info for path, data in files.items() if (info := read_elf(io.BytesIO(data), versions=True))
    }
    loader = Loader(lambda path: path if path in infos else None, infos, (), {}, "x86_64")
    return loader.outdated()


def test_versions_that_the_library_lacks_are_named() -> None:
    library = {"lib/libc.so.6": elf(versions={"": ["GLIBC_2.36"]})}
    user = elf(["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.36", "GLIBC_2.38"]})
    assert outdated({"a": user, **library}) == [Outdated("a", "lib/libc.so.6", ("GLIBC_2.38",))]
    assert outdated({"a": elf(["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.36"]}), **library}) == []
    assert outdated({"a": user, "lib/libc.so.6": elf()}) == [], "a library without versions serves all"
    assert outdated({"a": user}) == [], "what is missing is told as missing"


def test_a_library_that_serves_in_one_process_is_enough() -> None:
    files = {
        "lib/libs.so": elf(versions={"": ["S_1"]}),
        "opt/libs.so": elf(versions={"": ["S_1", "S_2"]}),
        "opt/libu.so": elf(["libs.so"], versions={"libs.so": ["S_2"]}),
        "bin/program": elf(["libu.so"], rpath="/opt"),
    }
    assert outdated(files) == []
    assert outdated({**files, "bin/program": elf(["libu.so"], runpath="/opt")}) == [
        Outdated("opt/libu.so", "lib/libs.so", ("S_2",))
    ]
