from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lightship.build.diagnose import Missing
from lightship.build.failure import (
    MissingPackageError,
    build_failure,
    missing_requirements,
    stage_failure,
    stage_time_limit_failure,
    time_limit_failure,
)
from lightship.build.suggest import Suggester, best_package
from lightship.debs.contents import Owner
from lightship.wheels.model import LockedSdist

SDIST = LockedSdist("own", "1.0", "own-1.0.tar.gz", "", "")
HEADER = Missing("header", "ffi.h")
LOG = "building\nc/x.c:15:10: fatal error: ffi.h: No such file or directory\n"


class Index:
    def __init__(self, **owners: Sequence[str]) -> None:
        self.asked: set[str] = set()
        self._owners = owners

    def find_paths(self, names: Iterable[str]) -> Mapping[str, tuple[Owner, ...]]:
        self.asked = set(names)
        pairs = [(package, path) for package, paths in self._owners.items() for path in paths]
        return {
            name: tuple(Owner(package, path) for package, path in pairs if f"/{path}".endswith(f"/{name}"))
            for name in names
        }


def test_the_error_names_the_package_and_shows_the_log() -> None:
    error = build_failure(SDIST, LOG, lambda missing: (missing[0], "libffi-dev"))
    assert isinstance(error, MissingPackageError)
    assert error.package == "libffi-dev"
    assert error.message == "own 1.0 cannot be built: the header ffi.h is in the Debian package libffi-dev"
    assert 'add "libffi-dev" to build-packages' in error.hint
    assert "--fix-build-packages" in error.hint
    assert "fatal error: ffi.h" in error.detail
    assert error.where == "own-1.0.tar.gz"
    assert error.exit_code == 5


def test_without_a_package_the_error_says_what_is_lacking() -> None:
    error = build_failure(SDIST, LOG, lambda _: None)
    assert not isinstance(error, MissingPackageError)
    assert error.message == "own 1.0 cannot be built: it lacks the header ffi.h"


def test_nothing_is_looked_up_where_nothing_is_missing() -> None:
    def find(_: Sequence[Missing]) -> tuple[Missing, str] | None:
        raise AssertionError

    error = build_failure(SDIST, "x.c:1: error: expected ';'", find)
    assert error.message == "own 1.0 cannot be built"
    assert "expected ';'" in error.detail


def test_a_time_limit_shows_what_was_done_last() -> None:
    error = time_limit_failure(SDIST, "\n".join(f"step {number}" for number in range(99)), 1800.0)
    assert error.message == "the build of own 1.0 was ended after 1800 seconds"
    assert error.detail.endswith("step 98")
    assert "step 1\n" not in error.detail


def test_requirements_that_uv_did_not_find_are_read_from_its_words() -> None:
    log = (
        "error: Failed to build `/build/src/own-1.0`\n"
        "  cause: Failed to resolve requirements from `build-system.requires`\n"
        "  cause: No solution found when resolving: `setuptools`, `six>=1`, `cython<99`\n"
        "  cause: Because six was not found in the provided package locations and you require six>=1, …\n"
    )
    assert missing_requirements(log) == ("setuptools", "six>=1", "cython<99")
    assert missing_requirements("error: command 'gcc' failed") == ()
    assert missing_requirements("cause: No solution found when resolving: `?!`") == ()


def test_a_plain_place_in_a_development_package_is_best() -> None:
    index = Index(
        **{
            "libffi-dev": ["usr/include/x86_64-linux-gnu/ffi.h"],
            "ghc": ["usr/lib/ghc/lib/package/libffi/include/ffi.h"],
            "libffi-cross": ["usr/i686-w64-mingw32/include/ffi.h"],
        }
    )
    assert best_package(HEADER, index.find_paths(HEADER.paths())) == "libffi-dev"


def test_a_program_is_best_in_the_package_of_its_name() -> None:
    program = Missing("program", "cargo")
    index = Index(cargo=["usr/bin/cargo"], rustup=["usr/bin/cargo"], **{"a-dev": ["usr/bin/cargo"]})
    assert best_package(program, index.find_paths(program.paths())) == "cargo"


def test_the_first_thing_counts_that_a_package_has_which_is_not_there_yet() -> None:
    index = Index(**{"gcc": ["usr/bin/gcc"], "libffi-dev": ["usr/include/ffi.h"]})
    missing = [Missing("program", "nowhere"), Missing("program", "gcc"), HEADER]
    assert Suggester(index, {"gcc"})(missing) == (HEADER, "libffi-dev")
    assert Suggester(index, {"gcc", "libffi-dev"})(missing) is None
    assert {"bin/nowhere", "ffi.h"} <= index.asked


def test_a_stage_that_fails_names_its_command_its_status_and_what_was_missing() -> None:
    error = stage_failure("model", "gcc x.c", 1, LOG, lambda missing: (missing[0], "libffi-dev"))
    assert isinstance(error, MissingPackageError)
    assert error.message == (
        "stage 'model': a command ended with status 1: the header ffi.h is in the Debian package libffi-dev"
    )
    assert (error.where, error.exit_code) == ("gcc x.c", 5)
    assert 'add "libffi-dev" to build-packages' in error.hint
    plain = stage_failure("model", "false", 3, "said", lambda _: None)
    assert not isinstance(plain, MissingPackageError)
    assert (plain.message, plain.detail) == ("stage 'model': a command ended with status 3", "said")


def test_a_stage_that_hangs_shows_what_it_did_last() -> None:
    error = stage_time_limit_failure("model", "sleep 9", "\n".join(map(str, range(99))), 5)
    assert error.message == "stage 'model' was ended after 5 seconds"
    assert error.detail.splitlines()[-1] == "98"
