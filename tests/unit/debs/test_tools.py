from __future__ import annotations

from pathlib import Path

import pytest

from lightship.debs.alternatives import ALTERNATIVES, alternatives
from lightship.debs.ldcache import Library
from lightship.debs.model import LockedDeb
from lightship.debs.tools import BaseTree, tools_entries
from lightship.debs.trim import RULES, base_trimmer
from lightship.errors import StageError
from lightship.fs.entries import Entry, Kind
from lightship.fs.paths import parents
from lightship.platform import Platform
from lightship.slim import Trimmer, keep_all
from tests.unit.debs.forge import folder, item, link, make_library, write_deb

Package = tuple[LockedDeb, Path]
LIB = "usr/lib/x86_64-linux-gnu"
SAFE = base_trimmer(tuple(rule.name for rule in RULES))


def over(
    below: list[Package], own: list[Package], below_by: Trimmer = keep_all, by: Trimmer = keep_all
) -> dict[str, Entry]:
    platform = Platform("amd64")
    entries = list(tools_entries(BaseTree(below, platform, below_by), BaseTree([*below, *own], platform, by)))
    found = {entry.path: entry for entry in entries}
    assert len(found) == len(entries)
    seen: set[str] = set()
    for entry in entries:
        assert set(parents(entry.path)) <= seen
        seen.add(entry.path)
    return found


def text(entry: Entry) -> bytes:
    assert entry.content is not None
    return b"".join(entry.content.chunks())


def files(found: dict[str, Entry]) -> set[str]:
    return {path for path, entry in found.items() if entry.kind is not Kind.DIRECTORY}


@pytest.fixture
def base(tmp_path: Path) -> Package:
    library = item(f"./{LIB}/libbase.so.1", make_library("libbase.so.1"))
    return write_deb(tmp_path, "base", [library, item("./usr/bin/ldd", b"#!"), folder("./usr/games", 0o711)])


@pytest.fixture
def tools(tmp_path: Path) -> Package:
    library = item(f"./{LIB}/libtool.so.2", make_library("libtool.so.2"))
    items = [
        library,
        item("./bin/less", b"#!", mode=0o755),
        item("./usr/games/new", b""),
        folder("./opt/dev"),
    ]
    return write_deb(tmp_path, "tools", items)


def test_only_what_is_new_or_otherwise_is_in_the_layer(base: Package, tools: Package) -> None:
    found = over([base], [tools])
    status = "var/lib/dpkg/status.d/tools"
    added = {f"{LIB}/libtool.so.2", "usr/bin/less", "usr/games/new", status, f"{status}.md5sums"}
    assert files(found) == added | {"etc/ld.so.cache", "usr/bin/pager"}
    assert found["opt/dev"].kind is Kind.DIRECTORY
    assert found["usr/games"].mode == 0o711
    assert "tmp" not in found


def test_the_loaders_cache_names_every_library(base: Package, tools: Package) -> None:
    cache = text(over([base], [tools])["etc/ld.so.cache"])
    assert b"libbase.so.1\0" in cache
    assert b"libtool.so.2\0" in cache


def test_what_was_trimmed_comes_back_where_a_package_reads_it(base: Package, tools: Package) -> None:
    assert "usr/bin/ldd" in over([base], [tools], SAFE, keep_all)
    assert "usr/bin/ldd" not in over([base], [tools], SAFE, SAFE)
    assert "usr/bin/ldd" not in over([base], [tools])


def test_nothing_to_add_is_no_entry(base: Package) -> None:
    assert over([base], []) == {}


def test_two_packages_with_different_files_at_one_path_are_found(base: Package, tmp_path: Path) -> None:
    other = write_deb(tmp_path, "other", [item("./usr/bin/ldd", b"other")])
    with pytest.raises(StageError, match="base and other both have /usr/bin/ldd"):
        over([base], [other])


def test_a_file_that_a_package_replaces_is_the_packages(base: Package, tmp_path: Path) -> None:
    other = write_deb(tmp_path, "other", [item("./usr/bin/ldd", b"other")], fields="Replaces: base\n")
    assert text(over([base], [other])["usr/bin/ldd"]) == b"other"


def test_names_of_alternatives_lead_to_programs_that_are_there() -> None:
    made = {entry.path: entry.target for entry in alternatives({"usr/bin/mawk", "usr/bin/gcc", "usr/bin/cc"})}
    assert made == {"usr/bin/awk": "mawk"}
    assert all("/" not in program for program in ALTERNATIVES.values())


def test_a_link_of_a_package_is_no_alternative(base: Package, tmp_path: Path) -> None:
    items = [item("./usr/bin/less", b""), link("./usr/bin/pager", "more")]
    found = over([base], [write_deb(tmp_path, "less", items)])
    assert found["usr/bin/pager"].target == "more"


def test_on_an_image_libraries_join_those_of_its_own_cache(base: Package, tools: Package) -> None:
    cached = [Library("libown.so.3", f"/{LIB}/libown.so.3")]
    platform = Platform("amd64")
    below = BaseTree([base], platform, keep_all, cached)
    entries = tools_entries(below, BaseTree([base, tools], platform, keep_all, cached))
    found = {entry.path: entry for entry in entries}
    assert all(name in text(found["etc/ld.so.cache"]) for name in (b"libown", b"libbase", b"libtool"))
    assert f"{LIB}/libtool.so.2" in found
    assert f"{LIB}/libbase.so.1" not in found
    assert "etc/os-release" not in found
