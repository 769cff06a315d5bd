from __future__ import annotations

from collections.abc import Iterable

import pytest

from lightship.debs.ldcache import Library
from lightship.debs.libraries import LibraryScan
from lightship.fs.entries import Entry, regular, symlink
from lightship.platform import Platform
from tests.unit.debs.forge import make_library

FOLDER = "usr/lib/x86_64-linux-gnu"


def scan(*entries: Entry, platform: str = "amd64") -> list[Library]:
    found = LibraryScan(Platform(platform))
    for entry in entries:
        found.note(entry)
    return found.libraries()


def pairs(libraries: Iterable[Library]) -> list[tuple[str, str]]:
    return [(library.soname, library.path) for library in libraries]


def test_a_library_is_found_by_its_soname_and_reached_through_the_link() -> None:
    entries = [
        regular(f"{FOLDER}/libz.so.1.2.13", make_library("libz.so.1")),
        symlink(f"{FOLDER}/libz.so.1", "libz.so.1.2.13"),
    ]
    assert pairs(scan(*entries)) == [("libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1")]
    assert scan(*reversed(entries)) == scan(*entries)


def test_a_link_for_the_linker_is_listed_too() -> None:
    entries = [
        regular(f"{FOLDER}/libz.so.1", make_library("libz.so.1")),
        symlink(f"{FOLDER}/libz.so", "libz.so.1"),
    ]
    assert sorted(pairs(scan(*entries))) == [
        ("libz.so", "/lib/x86_64-linux-gnu/libz.so"),
        ("libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1"),
    ]


def test_a_file_without_a_link_of_its_soname_is_reached_by_its_own_name() -> None:
    assert pairs(scan(regular(f"{FOLDER}/libz.so.1.2", make_library("libz.so.1")))) == [
        ("libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1.2")
    ]


def test_of_two_files_with_one_soname_the_newer_is_taken() -> None:
    entries = [regular(f"{FOLDER}/liba.so.1.{minor}", make_library("liba.so.1")) for minor in (9, 10)]
    assert pairs(scan(*entries)) == [("liba.so.1", "/lib/x86_64-linux-gnu/liba.so.1.10")]


def test_a_library_without_soname_goes_by_its_file_name() -> None:
    assert pairs(scan(regular(f"{FOLDER}/libplugin.so", make_library(None)))) == [
        ("libplugin.so", "/lib/x86_64-linux-gnu/libplugin.so")
    ]


@pytest.mark.parametrize(
    "entry",
    [
        regular(f"{FOLDER}/libz.so.1", make_library("libz.so.1", machine=183)),
        regular(f"{FOLDER}/libz.so.1", make_library("libz.so.1", kind=2)),
        regular(f"{FOLDER}/libc.so", b"GROUP ( /lib/libc.so.6 )"),
        regular(f"{FOLDER}/libempty.so", b""),
        regular(f"{FOLDER}/plugin.so", make_library("plugin.so")),
        regular(f"{FOLDER}/sub/libz.so.1", make_library("libz.so.1")),
        symlink(f"{FOLDER}/libz.so.1", "libz.so.1"),
        symlink(f"{FOLDER}/libz.so.1", "nowhere.so"),
    ],
    ids=["machine", "program", "script", "empty", "name", "folder", "circle", "dangling"],
)
def test_what_the_loader_would_not_take_is_left_out(entry: Entry) -> None:
    assert scan(entry) == []


def test_the_search_path_is_the_configured_one_then_the_loaders_own() -> None:
    library = make_library("liba.so.1")
    entries = [
        regular("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf # all\n\n/opt/lib/\n"),
        regular("etc/ld.so.conf.d/b.conf", b"/usr/local/lib\n"),
        regular("etc/ld.so.conf.d/a.conf", b"# first\n/lib/x86_64-linux-gnu\n"),
        *(regular(f"{path}/liba.so.1", library) for path in ("usr/lib", FOLDER, "usr/local/lib", "opt/lib")),
    ]
    assert [library.path for library in scan(*entries)] == [
        "/lib/x86_64-linux-gnu/liba.so.1",
        "/usr/local/lib/liba.so.1",
        "/opt/lib/liba.so.1",
        "/lib/liba.so.1",
    ]


def test_arm64_has_its_own_folders_and_machine() -> None:
    entry = regular("usr/lib/aarch64-linux-gnu/liba.so.1", make_library("liba.so.1", machine=183))
    assert pairs(scan(entry, platform="arm64")) == [("liba.so.1", "/lib/aarch64-linux-gnu/liba.so.1")]


def test_an_absolute_link_is_read_from_the_root_of_the_tree() -> None:
    entries = [
        regular(f"{FOLDER}/liba.so.1", make_library("liba.so.1")),
        symlink("usr/lib/liba.so.1", "/lib/x86_64-linux-gnu/liba.so.1"),
    ]
    assert len(scan(*entries)) == 2
