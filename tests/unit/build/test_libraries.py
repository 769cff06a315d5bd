from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lightship.build.bases import SuiteBase
from lightship.build.cache import Memo
from lightship.build.libraries import SystemPackages, add_libraries
from lightship.debs.index import PackageIndex
from lightship.debs.suite import Suite
from lightship.digest import of_bytes
from lightship.errors import NetworkError, ResolutionError
from lightship.events import SilentReporter
from lightship.wheels.model import LockedLibrary, LockedWheel
from tests.support.elves import elf
from tests.support.locked import Locked
from tests.support.suites import make_suite
from tests.support.wheels import wheel_bytes, write_wheel
from tests.unit.debs.forge import stanza

LIB = "usr/lib/x86_64-linux-gnu"
C, CXX, PQ = "libc.so.6", "libstdc++.so.6", "libpq.so.5"
STANZAS = (
    stanza("base", Depends="libc6"),
    stanza("libblas3"),
    stanza("libc6"),
    stanza("libmagic1"),
    stanza("libomp5-14", "14"),
    stanza("libomp5-16", "16"),
    stanza("libpq5", Depends="libssl3"),
    stanza("libssl3"),
    stanza("libstdc++6"),
    stanza("libtbb12"),
    stanza("poppler-utils"),
)
CONTENTS = f"""\
lib/x86_64-linux-gnu/{C}  libs/libc6
usr/bin/pdfinfo  utils/poppler-utils
usr/bin/pdftoppm  utils/poppler-utils
{LIB}/blas/libblas.so.3  libs/libblas3
{LIB}/libmagic.so.1  libs/libmagic1
{LIB}/libomp.so.5  libs/libomp5-14,libs/libomp5-16
{LIB}/{PQ}  libs/libpq5
{LIB}/{CXX}  libs/libstdc++6
{LIB}/libtbb.so.12  libs/libtbb12
"""


@dataclass
class Watching(SilentReporter):
    tasks: list[str] = field(default_factory=list)

    def task(self, label: str, total: int | None = None, *, unit: str = "B"):  # type: ignore[no-untyped-def]  # noqa: ANN201
        self.tasks.append(label)
        return super().task(label, total, unit=unit)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return make_suite(tmp_path / "indexes", STANZAS, {"amd64": CONTENTS})


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return Locked(tmp_path)


def cached(made: Locked, wheels: Mapping[str, Mapping[str, bytes]]) -> list[LockedWheel]:
    """Put wheels where fetching them would."""
    folder = made.machine().home.archives / "sha256"
    return [
        write_wheel(folder, name, "1.0", wheel_bytes(name, "1.0", files)) for name, files in wheels.items()
    ]


def add(made: Locked, suite: Suite, wheels: Mapping[str, Mapping[str, bytes]], *more: str) -> SystemPackages:
    return add_libraries(suite_base(made, suite, *more), cached(made, wheels), made.machine())


def suite_base(made: Locked, suite: Suite, *more: str) -> SuiteBase:
    return SuiteBase(suite, ("base", *more), Memo(made.machine().home.cache / "debian"))


def names(packages: SystemPackages) -> list[str]:
    return [deb.name for deb in packages.debs]


def test_the_closure_of_what_wheels_need_joins_the_base(made: Locked, suite: Suite) -> None:
    found = add(made, suite, {"psycopg2": {"psycopg2/_psycopg.so": elf([C, PQ])}})
    assert names(found) == ["base", "libc6", "libpq5", "libssl3"]
    assert found.libraries == (LockedLibrary("libpq5", PQ, "psycopg2", "psycopg2/_psycopg.so"),)
    assert (found.warnings, found.notes) == ((), ())


def test_who_brings_a_library_is_remembered_with_the_indexes_it_was_read_from(
    made: Locked, suite: Suite
) -> None:
    wheels = {"psycopg2": {"psycopg2/_psycopg.so": elf([C, PQ])}}
    first = add(made, suite, wheels)
    unread = replace(suite, index=PackageIndex([]))
    assert add(made, unread, {**wheels, "pure": {"pure.py": b"x = 1\n" * 50}}) == first
    with pytest.raises(ResolutionError):
        add(made, replace(unread, digest=of_bytes(b"newer")), wheels)


def test_each_wheel_is_said_once_with_its_first_file(made: Locked, suite: Suite) -> None:
    wheels = {
        "b": {"b/z.so": elf([CXX]), "b/a.so": elf([CXX, C])},
        "a": {"a/x.so": elf([CXX])},
        "c": {"c/x.so": elf([C])},
    }
    assert add(made, suite, wheels).libraries == (
        LockedLibrary("libstdc++6", CXX, "a", "a/x.so"),
        LockedLibrary("libstdc++6", CXX, "b", "b/a.so"),
    )


def test_what_the_base_brings_is_nobodys_wish(made: Locked, suite: Suite) -> None:
    found = add(made, suite, {"a": {"a/x.so": elf([C, PQ])}}, "libpq5")
    assert names(found) == ["base", "libc6", "libpq5", "libssl3"]
    assert found.libraries == ()


def test_pure_wheels_change_nothing_and_need_no_contents(made: Locked, tmp_path: Path) -> None:
    suite = make_suite(tmp_path / "indexes", STANZAS, {})
    found = add(made, suite, {"a": {"a/__init__.py": b"x = 1\n" * 50}})
    assert names(found) == ["base", "libc6"]
    assert not (tmp_path / "indexes").exists()


def test_a_library_that_nobody_has_is_warned_of(made: Locked, suite: Suite) -> None:
    found = add(made, suite, {"a": {"a/x.so": elf(["libodd.so.1"]), "a/y.so": elf(["libodd.so.1", C])}})
    (warning,) = found.warnings
    assert "libodd.so.1 is in no package of Debian bookworm for linux/amd64" in warning
    assert "a needs it (a/x.so and 1 more)" in warning
    assert found.libraries == ()


def test_a_library_out_of_the_loaders_sight_is_warned_of(made: Locked, suite: Suite) -> None:
    (warning,) = add(made, suite, {"a": {"a/x.so": elf(["libblas.so.3"])}}).warnings
    assert "libblas.so.3 is only where the loader does not look (in libblas3)" in warning


def test_a_choice_among_equals_is_said(made: Locked, suite: Suite) -> None:
    found = add(made, suite, {"a": {"a/x.so": elf(["libomp.so.5"])}})
    assert "libomp5-16" in names(found)
    (warning,) = found.warnings
    assert warning.startswith("libomp.so.5 is in libomp5-16 as in libomp5-14;")
    other = add(made, suite, {"a": {"a/x.so": elf(["libomp.so.5"])}}, "libomp5-14")
    assert "libomp5-16" not in names(other)
    assert other.warnings == ()


def test_a_part_that_may_be_missing_brings_nothing_but_a_note(made: Locked, suite: Suite) -> None:
    found = add(made, suite, {"numba": {"numba/np/ufunc/tbbpool.so": elf(["libtbb.so.12", "libodd.so.1"])}})
    assert names(found) == ["base", "libc6"]
    assert found.warnings == ()
    (note,) = found.notes
    assert "add libtbb12 to `runtime-packages` if the service uses it" in note


def test_what_is_loaded_with_dlopen_is_hinted_at(made: Locked, suite: Suite) -> None:
    wheels = {"python_magic": {"magic/__init__.py": b""}, "pdf2image": {"pdf2image/__init__.py": b""}}
    assert add(made, suite, wheels).warnings == (
        "pdf2image runs pdfinfo: add poppler-utils to `runtime-packages`",
        "pdf2image runs pdftoppm: add poppler-utils to `runtime-packages`",
        "python-magic loads libmagic.so.1 with dlopen: add libmagic1 to `runtime-packages`",
    )
    assert add(made, suite, wheels, "libmagic1", "poppler-utils").warnings == ()


def test_what_asks_for_less_is_named(made: Locked, suite: Suite) -> None:
    (said,) = add(made, suite, {"opencv_python": {"cv2/__init__.py": b""}}).warnings
    assert said.startswith("opencv-python opens windows")
    assert said.endswith("opencv-python-headless does not")


def test_a_wheel_is_read_once(made: Locked, suite: Suite) -> None:
    wheels = cached(made, {"a": {"a/x.so": elf([PQ])}})
    reporter = Watching()
    first = add_libraries(suite_base(made, suite), wheels, made.machine(reporter))
    assert reporter.tasks == ["looking for shared libraries"]
    for path in (made.machine().home.archives / "sha256").iterdir():
        path.unlink()
    assert add_libraries(suite_base(made, suite), wheels, made.machine(reporter)) == first
    assert reporter.tasks == ["looking for shared libraries"]


def test_offline_a_wheel_that_is_not_there_is_named(made: Locked, suite: Suite) -> None:
    wheel = LockedWheel("a", "1.0", "a-1.0-py3-none-any.whl", "https://x/a.whl", "0" * 64, 9)
    with pytest.raises(NetworkError, match="not in the cache") as raised:
        add_libraries(suite_base(made, suite), [wheel], made.machine())
    assert wheel.filename in raised.value.where
