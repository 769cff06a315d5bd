from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.debs.base import added_entries, base_entries
from lightship.debs.ldcache import Library
from lightship.debs.model import LockedDeb
from lightship.debs.skeleton import is_alias, merged
from lightship.debs.trim import RULES, base_trimmer
from lightship.debs.trust import bundle
from lightship.errors import StageError
from lightship.fs.entries import Entry, Kind
from lightship.fs.paths import parents
from lightship.loader import parse_cache
from lightship.platform import Platform
from lightship.slim import Trimmer, keep_all
from tests.unit.debs.forge import folder, item, link, make_library, write_deb

Package = tuple[LockedDeb, Path]
SAFE = base_trimmer(tuple(rule.name for rule in RULES))


def tree(*debs: Package, platform: str = "amd64", trimmed_by: Trimmer = SAFE) -> dict[str, Entry]:
    entries = list(base_entries(debs, platform=Platform(platform), trimmed_by=trimmed_by))
    found = {entry.path: entry for entry in entries}
    assert len(found) == len(entries)
    seen: set[str] = set()
    for entry in entries:
        assert set(parents(entry.path)) <= seen
        seen.add(entry.path)
    return found


def text(entry: Entry) -> str:
    assert entry.content is not None
    return b"".join(entry.content.chunks()).decode()


@pytest.fixture
def demo(tmp_path: Path) -> Package:
    items = [
        folder("./"),
        folder("./lib"),
        item("./lib/x86_64-linux-gnu/libdemo.so.1", make_library("libdemo.so.1")),
        item("./bin/demo", b"#!", mode=0o755),
        item("./bin/hard", kind=tarfile.LNKTYPE, target="./bin/demo"),
        folder("./var/run"),
        folder("./usr/share/doc/demo"),
        item("./usr/share/doc/demo/copyright", b"free"),
        item("./usr/share/doc/demo/README", b"long"),
        item("./usr/share/man/man1/demo.1.gz", b"manual"),
    ]
    return write_deb(tmp_path, "demo", items)


def test_packages_join_a_tree_of_others_making(demo: Package) -> None:
    cached = [Library("libz.so.1", "/lib/libz.so.1"), Library("libdemo.so.1", "/old/libdemo.so.1")]
    entries = list(added_entries([demo], platform=Platform("amd64"), trimmed_by=SAFE, cached=cached))
    found = {entry.path: entry for entry in entries}
    assert len(found) == len(entries)
    assert found["usr/bin/demo"].mode == 0o755
    assert not {"bin", "lib", "tmp", "etc/passwd", "var/run"} & found.keys()
    assert {"var/lib/dpkg/status.d/demo", "usr/share/doc/demo/copyright"} <= found.keys()
    cache = found["etc/ld.so.cache"].content
    assert cache is not None
    assert parse_cache(b"".join(cache.chunks())) == {
        "libdemo.so.1": "/lib/x86_64-linux-gnu/libdemo.so.1",
        "libz.so.1": "/lib/libz.so.1",
    }


def test_usr_is_merged(demo: Package) -> None:
    found = tree(demo)
    assert {path: found[path].target for path in ("bin", "sbin", "lib", "lib64")} == {
        "bin": "usr/bin",
        "sbin": "usr/sbin",
        "lib": "usr/lib",
        "lib64": "usr/lib64",
    }
    assert found["usr/bin/demo"].mode == 0o755
    assert (found["usr/bin/hard"].kind, found["usr/bin/hard"].target) == (Kind.HARDLINK, "usr/bin/demo")
    assert not [path for path in found if path.startswith(("bin/", "lib/"))]


def test_arm64_has_no_lib64(demo: Package) -> None:
    assert "lib64" not in tree(demo, platform="arm64")
    assert "lib" in tree(demo, platform="arm64")


def test_folders_of_base_files_become_links_of_the_skeleton(demo: Package) -> None:
    found = tree(demo)
    assert (found["var/run"].kind, found["var/run"].target) == (Kind.SYMLINK, "/run")
    assert found["var/lock"].target == "/run/lock"
    assert {path: found[path].mode for path in ("tmp", "var/tmp", "run/lock")} == dict.fromkeys(
        ("tmp", "var/tmp", "run/lock"), 0o1777
    )


def test_documentation_is_trimmed_but_licences_stay(demo: Package) -> None:
    found = tree(demo)
    assert text(found["usr/share/doc/demo/copyright"]) == "free"
    assert not {"usr/share/doc/demo/README", "usr/share/man", "usr/share/man/man1/demo.1.gz"} & set(found)


def test_untrimmed_packages_are_whole(demo: Package) -> None:
    found = tree(demo, trimmed_by=keep_all)
    assert text(found["usr/share/doc/demo/README"]) == "long"
    assert "usr/share/man/man1/demo.1.gz" in found
    assert "usr/share/man/man1/demo.1.gz" in text(found["var/lib/dpkg/status.d/demo.md5sums"])


def test_scanners_find_the_packages_and_only_files_that_are_there(demo: Package) -> None:
    found = tree(demo)
    assert text(found["var/lib/dpkg/status.d/demo"]).splitlines()[:2] == ["Package: demo", "Version: 1"]
    sums = text(found["var/lib/dpkg/status.d/demo.md5sums"])
    assert [line.split("  ")[1] for line in sums.splitlines()] == [
        "lib/x86_64-linux-gnu/libdemo.so.1",
        "bin/demo",
        "usr/share/doc/demo/copyright",
    ]


def test_the_loader_finds_the_libraries(demo: Package) -> None:
    cache = tree(demo)["etc/ld.so.cache"].content
    assert cache is not None
    assert b"libdemo.so.1\0/lib/x86_64-linux-gnu/libdemo.so.1\0" in b"".join(cache.chunks())


def test_accounts_and_name_services_are_there(demo: Package) -> None:
    found = tree(demo)
    users = [line.split(":") for line in text(found["etc/passwd"]).splitlines()]
    assert {("root", "0"), ("nobody", "65534")} <= {(user[0], user[2]) for user in users}
    assert all(len(user) == 7 for user in users)
    assert "nogroup:x:65534:\n" in text(found["etc/group"])
    assert "hosts:          files dns" in text(found["etc/nsswitch.conf"])


def test_what_a_package_ships_itself_stands(tmp_path: Path) -> None:
    assert text(tree(write_deb(tmp_path, "own", [item("./etc/passwd", b"mine")]))["etc/passwd"]) == "mine"


def test_the_bundle_holds_every_certificate_in_order(tmp_path: Path) -> None:
    certificates = [
        item(f"./usr/share/ca-certificates/mozilla/{name}.crt", data)
        for name, data in (("b", b"B\n"), ("a", b"A"), ("c", b"C"))
    ]
    found = tree(write_deb(tmp_path, "ca-certificates", certificates))
    assert text(found["etc/ssl/certs/ca-certificates.crt"]) == "A\nB\nC\n"
    assert found["usr/lib/ssl/cert.pem"].target == "/etc/ssl/certs/ca-certificates.crt"
    assert "usr/share/ca-certificates/mozilla/a.crt" not in found
    assert bundle({}) == b""


def test_without_certificates_or_zones_nothing_points_to_them(demo: Package) -> None:
    assert not {"etc/ssl/certs/ca-certificates.crt", "usr/lib/ssl/cert.pem", "etc/localtime"} & set(
        tree(demo)
    )


def test_the_time_zone_is_utc(tmp_path: Path) -> None:
    found = tree(write_deb(tmp_path, "tzdata", []))
    assert found["etc/localtime"].target == "/usr/share/zoneinfo/Etc/UTC"


def test_the_order_of_the_packages_does_not_matter(demo: Package, tmp_path: Path) -> None:
    other = write_deb(tmp_path, "another", [item("./usr/bin/another", b"x")])

    def stream(*debs: Package) -> Iterator[tuple[Entry, bytes]]:
        for entry in base_entries(debs, platform=Platform("amd64"), trimmed_by=SAFE):
            yield entry, b"".join(entry.content.chunks()) if entry.content else b""

    assert list(stream(demo, other)) == list(stream(other, demo))


def test_two_packages_with_one_file_are_both_named(tmp_path: Path) -> None:
    debs = [write_deb(tmp_path, name, [item("./usr/bin/x", name.encode())]) for name in ("one", "two")]
    with pytest.raises(StageError) as caught:
        tree(*debs)
    assert "one and two both have /usr/bin/x" in caught.value.message


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    debs = [
        write_deb(tmp_path, "one", [folder("./usr/x")]),
        write_deb(tmp_path, "two", [item("./usr/x", b"")]),
    ]
    with pytest.raises(StageError):
        tree(*debs)


def test_equal_links_and_folders_of_two_packages_are_one(tmp_path: Path) -> None:
    items = [folder("./etc/x"), link("./etc/y", "x")]
    found = tree(*(write_deb(tmp_path, name, items) for name in ("one", "two")))
    assert found["etc/y"].target == "x"


@pytest.mark.parametrize(("winner", "loser"), [("one", "two"), ("two", "one")])
def test_a_package_that_replaces_another_has_its_files(tmp_path: Path, winner: str, loser: str) -> None:
    files = [item("./usr/bin/x", winner.encode())]
    debs = [
        write_deb(tmp_path, winner, files, fields=f"Replaces: {loser} (<< 2)\n"),
        write_deb(tmp_path, loser, [item("./usr/bin/x", b"lost"), item("./usr/bin/y", b"own")]),
    ]
    found = tree(*debs)
    assert (text(found["usr/bin/x"]), text(found["usr/bin/y"])) == (winner, "own")


def test_of_packages_that_replace_each_other_the_later_has_its_files(tmp_path: Path) -> None:
    debs = [
        write_deb(tmp_path, name, [item("./usr/bin/x", name.encode())], fields=f"Replaces: {other}\n")
        for name, other in (("one", "two"), ("two", "one"))
    ]
    assert text(tree(*debs)["usr/bin/x"]) == "two"


def test_replacing_older_versions_does_not_count_for_this_one(tmp_path: Path) -> None:
    debs = [
        write_deb(tmp_path, "one", [item("./usr/bin/x", b"1")], fields="Replaces: two (<< 1)\n"),
        write_deb(tmp_path, "two", [item("./usr/bin/x", b"2")]),
    ]
    with pytest.raises(StageError):
        tree(*debs)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("bin/sh", "usr/bin/sh"),
        ("lib64/ld.so", "usr/lib64/ld.so"),
        ("library/x", "library/x"),
        ("lib", "usr/lib"),
        ("var/run/x", "run/x"),
        ("usr/lib/x", "usr/lib/x"),
    ],
)
def test_paths_are_placed_in_the_merged_tree(path: str, place: str) -> None:
    assert merged(path) == place
    assert is_alias(path) == (path == "lib")
