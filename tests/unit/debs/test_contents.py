from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from lightship.debs.contents import Contents, Owner, search
from lightship.debs.sources import DebianSource
from lightship.debs.store import IndexStore
from lightship.errors import IntegrityError, NetworkError
from lightship.platform import Platform
from tests.unit.debs.forge import Repository
from tests.unit.debs.test_store import Broken

pytestmark = pytest.mark.requires_tool("gpg")

LIB = "usr/lib/x86_64-linux-gnu"
AMD64 = f"""\
lib/x86_64-linux-gnu/libc.so.6                          libs/libc6
lib32/libc.so.6                                         libs/libc6-i386
usr/bin/pg_config                                       libdevel/libpq-dev
usr/include/postgresql/libpq-fe.h                       libdevel/libpq-dev
usr/lib/postgresql/15/bin/pg_config                     database/postgresql-client-15
{LIB}/blas/libblas.so.3                 libs/libblas3
{LIB}/debug/libpq.so.5\tdebug/libpq5-dbg,contrib/debug/another-dbg
{LIB}/libpq.so                          libdevel/libpq-dev
{LIB}/libpq.so.5                        libs/libpq5
{LIB}/libpq.so.5.15                     libs/libpq5
usr/share/doc/a name with libpq.so.5 inside             doc/noise
usr/share/doc/notes about bin/pg_config                 doc/noise
"""
ALL = """\
usr/bin/autoconf                                        devel/autoconf
usr/share/other/bin/pg_config                           misc/other
"""


@pytest.fixture
def contents(repository: Repository, store: IndexStore, source: DebianSource) -> Contents:
    repository.write([], contents={"amd64": AMD64, "all": ALL})
    return Contents(store, store.release(source), Platform("amd64"))


def test_a_library_is_found_by_its_name_where_the_loader_looks_first(contents: Contents) -> None:
    assert contents.find_libraries(["libpq.so.5", "libc.so.6", "libnone.so.1"]) == {
        "libpq.so.5": (
            Owner("libpq5", f"{LIB}/libpq.so.5"),
            Owner("another-dbg", f"{LIB}/debug/libpq.so.5"),
            Owner("libpq5-dbg", f"{LIB}/debug/libpq.so.5"),
        ),
        "libc.so.6": (Owner("libc6", "lib/x86_64-linux-gnu/libc.so.6"),),
    }


def test_a_library_outside_the_loaders_folders_is_found_too(contents: Contents) -> None:
    assert contents.find_libraries(["libblas.so.3"]) == {
        "libblas.so.3": (Owner("libblas3", f"{LIB}/blas/libblas.so.3"),)
    }


def test_a_path_is_found_by_its_last_parts(contents: Contents) -> None:
    header = (Owner("libpq-dev", "usr/include/postgresql/libpq-fe.h"),)
    found = contents.find_paths(["libpq-fe.h", "postgresql/libpq-fe.h", "pq-fe.h", "usr/bin/pg_config"])
    assert found == {
        "libpq-fe.h": header,
        "postgresql/libpq-fe.h": header,
        "usr/bin/pg_config": (Owner("libpq-dev", "usr/bin/pg_config"),),
    }


def test_packages_for_all_architectures_have_what_the_others_have_not(contents: Contents) -> None:
    found = contents.find_paths(["bin/autoconf", "bin/pg_config"])
    assert [owner.package for owner in found["bin/autoconf"]] == ["autoconf"]
    assert [owner.package for owner in found["bin/pg_config"]] == [
        "libpq-dev",
        "postgresql-client-15",
    ]


def test_a_name_with_a_blank_belongs_to_the_path() -> None:
    text = b"usr/share/a b/c d   misc/e\nusr/x   f\n"
    assert search([text], ["c d", "x"]) == {
        "c d": (Owner("e", "usr/share/a b/c d"),),
        "x": (Owner("f", "usr/x"),),
    }


def test_text_in_pieces_without_a_last_newline_is_read_to_its_end(
    repository: Repository, store: IndexStore, source: DebianSource
) -> None:
    lines = [f"usr/lib/lib{number:07}.so.1  libs/lib{number}" for number in range(120_000)]
    repository.write([], contents={"amd64": "\n".join(lines)})
    contents = Contents(store, store.release(source), Platform("amd64"))
    for number in (0, 60_000, 119_999):
        name = f"lib{number:07}.so.1"
        expected = {name: (Owner(f"lib{number}", f"usr/lib/{name}"),)}
        assert contents.find_libraries([name]) == expected
        assert contents.find_paths([name]) == expected


def test_what_was_read_once_serves_offline(contents: Contents) -> None:
    offline = replace(contents, store=replace(contents.store, transport=Broken(), offline=True))
    with pytest.raises(NetworkError, match="not in the cache") as raised:
        offline.find_libraries(["libpq.so.5"])
    assert raised.value.where.endswith("main/Contents-amd64.gz")
    assert "--offline" in raised.value.hint
    found = contents.find_libraries(["libpq.so.5"])
    assert offline.find_libraries(["libpq.so.5"]) == found


def test_contents_that_the_release_does_not_sign_are_refused(
    contents: Contents, repository: Repository
) -> None:
    for path in (repository.dist / "main" / "by-hash" / "SHA256").iterdir():
        path.write_bytes(gzip.compress(b"usr/lib/libpq.so.5  libs/evil\n"))
    with pytest.raises(IntegrityError, match="not the one that the Release signs"):
        contents.find_libraries(["libpq.so.5"])


def test_a_cached_file_that_was_damaged_is_named(contents: Contents, store: IndexStore) -> None:
    contents.find_libraries(["libpq.so.5"])
    index = store.contents(contents.release, "main", "amd64")
    assert index is not None
    data = index.path.read_bytes()
    index.path.write_bytes(data[:-20] + bytes(20))
    with pytest.raises(IntegrityError, match="damaged") as raised:
        contents.find_paths(["libpq-fe.h"])
    assert raised.value.where == str(index.path)


def test_an_archive_without_contents_has_nothing(
    repository: Repository, store: IndexStore, source: DebianSource
) -> None:
    repository.write([], contents={"amd64": ""})
    contents = Contents(store, store.release(source), Platform("amd64"))
    assert contents.find_libraries(["libpq.so.5"]) == {}
    assert contents.find_paths(["libpq-fe.h"]) == {}


def test_the_extract_is_made_once(contents: Contents, store: IndexStore) -> None:
    contents.find_libraries(["libpq.so.5"])
    (extract,) = (store.cache / "libraries").iterdir()
    lines = extract.read_text().splitlines()
    assert [Path(line.split()[0]).name for line in lines] == [
        "libc.so.6",
        "libblas.so.3",
        "libpq.so.5",
        "libpq.so",
        "libpq.so.5",
        "libpq.so.5.15",
    ]
    extract.write_text(f"{LIB}/libpq.so.5  libs/kept\n")
    assert contents.find_libraries(["libpq.so.5"])["libpq.so.5"][0].package == "kept"
