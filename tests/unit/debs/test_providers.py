from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lightship.debs.providers import Provider, find_providers
from tests.support.suites import make_suite
from tests.unit.debs.forge import stanza

LIB = "usr/lib/x86_64-linux-gnu"
Find = Callable[..., Provider]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Look one library up, by the packages that have it at a path and, optionally, their versions."""

    def run(soname: str, *owners: tuple[str, str] | tuple[str, str, str], present: str = "") -> Provider:
        contents = "".join(f"{path}  libs/{package}\n" for package, path, *_ in owners)
        stanzas = [stanza(package, *version) for package, _, *version in owners]
        suite = make_suite(tmp_path, stanzas, {"amd64": contents})
        return find_providers(suite, [soname], present.split())[soname]

    return run


def test_the_package_that_has_the_library_is_found(find: Find) -> None:
    assert find("libpq.so.5", ("libpq5", f"{LIB}/libpq.so.5")) == Provider("libpq5")


@pytest.mark.parametrize("folder", ["lib/x86_64-linux-gnu", LIB, "lib64", "usr/lib64", "lib", "usr/lib"])
def test_every_folder_of_the_loader_counts(find: Find, folder: str) -> None:
    assert find("liba.so.1", ("liba1", f"{folder}/liba.so.1")).package == "liba1"


def test_a_library_where_the_loader_does_not_look_is_not_taken(find: Find) -> None:
    found = find(
        "libblas.so.3", ("libblas3", f"{LIB}/blas/libblas.so.3"), ("libc6-i386", "lib32/libblas.so.3")
    )
    assert found == Provider("", ("libblas3",))


def test_nobody_has_it(find: Find) -> None:
    assert find("libnone.so.1", ("libpq5", f"{LIB}/libpq.so.5")) == Provider("")


def test_a_package_that_is_there_already_comes_first(find: Find) -> None:
    owners = [("libavcodec59", f"{LIB}/libavcodec.so.59"), ("libavcodec-extra59", f"{LIB}/libavcodec.so.59")]
    assert (
        find("libavcodec.so.59", *owners, present="libavcodec-extra59 libc6").package == "libavcodec-extra59"
    )


@pytest.mark.parametrize(
    ("soname", "right", "other"),
    [
        ("libavcodec.so.59", "libavcodec59", "libavcodec-extra59"),
        ("libglib-2.0.so.0", "libglib2.0-0t64", "aaa"),
        ("libQt5Gui.so.5", "libqt5gui5", "libqt5gui5-gles"),
        ("libgcc_s.so.1", "libgcc-s1", "aaa"),
    ],
)
def test_the_package_named_for_the_library_comes_next(
    find: Find, soname: str, right: str, other: str
) -> None:
    assert find(soname, (other, f"{LIB}/{soname}", "9"), (right, f"{LIB}/{soname}", "1")) == Provider(right)


def test_else_the_newest_is_taken_and_the_others_are_said(find: Find) -> None:
    owners = [(f"libomp5-{n}", f"{LIB}/libomp.so.5", f"1:{n}.0") for n in (9, 16, 14)]
    assert find("libomp.so.5", *owners) == Provider("libomp5-16", ("libomp5-14", "libomp5-9"))


def test_what_one_library_needs_settles_another(tmp_path: Path) -> None:
    contents = f"{LIB}/libone.so.1  libs/pack-b\n{LIB}/libtwo.so.1  libs/pack-a,libs/pack-b\n"
    suite = make_suite(tmp_path, [stanza("pack-a", "9"), stanza("pack-b")], {"amd64": contents})
    found = find_providers(suite, ["libtwo.so.1", "libone.so.1"], ())
    assert {name: provider.package for name, provider in found.items()} == {
        "libone.so.1": "pack-b",
        "libtwo.so.1": "pack-b",
    }


def test_a_package_that_the_index_does_not_have_is_passed_over(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, [], {"amd64": f"{LIB}/liba.so.1  libs/liba1\n"})
    assert find_providers(suite, ["liba.so.1"], ())["liba.so.1"].package == ""


def test_no_question_reads_no_contents(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, [], {"amd64": ""})
    assert find_providers(suite, [], ()) == {}
    assert list(tmp_path.iterdir()) == []
