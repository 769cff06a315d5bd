from __future__ import annotations

from typing import Any

import pytest
from packaging.pylock import PackageWheel, Pylock

from lightship.digest import of_bytes
from lightship.errors import ResolutionError
from lightship.platform import Platform
from lightship.wheels.lock import Lock
from lightship.wheels.model import LockedSdist, LockedWheel
from lightship.wheels.select import Distributions, select_distributions, target_tags, usable_distributions

AMD64, ARM64 = Platform("amd64"), Platform("arm64")
SHA = "b" * 64


def package(name: str, *files: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    wheels = [{"url": f"https://h/{file}", "size": 9, "hashes": {"sha256": SHA}} for file in files]
    return {"name": name, "version": version, **({"wheels": wheels} if wheels else {}), **more}


def lock(*packages: dict[str, Any]) -> Lock:
    document = {"lock-version": "1.0", "created-by": "test", "packages": list(packages)}
    return Lock(
        variant="cpu",
        python="3.11",
        base="debian:bookworm",
        inputs=of_bytes(b""),
        platforms=(AMD64, ARM64),
        debs={},
        pylock=Pylock.from_dict(document),
    )


def select(
    *packages: dict[str, Any],
    platform: Platform = AMD64,
    python: str = "3.11.2",
    glibc: tuple[int, int] = (2, 36),
) -> list[str]:
    chosen = select_distributions(lock(*packages), platform=platform, python_full=python, glibc=glibc)
    return [archive.filename for archive in (*chosen.wheels, *chosen.sdists)]


def problem(*packages: dict[str, Any], platform: Platform = AMD64) -> ResolutionError:
    with pytest.raises(ResolutionError) as raised:
        select(*packages, platform=platform)
    assert raised.value.exit_code == 3
    return raised.value


def test_a_wheel_is_chosen_with_all_that_fetching_needs() -> None:
    found = lock(package("a", "a-1.0-py3-none-any.whl"))
    wheel = LockedWheel("a", "1.0", "a-1.0-py3-none-any.whl", "https://h/a-1.0-py3-none-any.whl", SHA, 9)
    assert select_distributions(found, platform=AMD64, python_full="3.11.2", glibc=(2, 36)) == Distributions(
        (wheel,), ()
    )


BEST_FIRST = [
    "a-1.0-cp311-cp311-manylinux_2_36_x86_64.whl",
    "a-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "a-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "a-1.0-cp311-cp311-linux_x86_64.whl",
    "a-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
    "a-1.0-cp38-abi3-manylinux_2_28_x86_64.whl",
    "a-1.0-py3-none-manylinux_2_28_x86_64.whl",
    "a-1.0-cp311-none-any.whl",
    "a-1.0-py311-none-any.whl",
    "a-1.0-py3-none-any.whl",
]
NEVER = [
    "a-1.0-cp311-cp311-manylinux_2_37_x86_64.whl",
    "a-1.0-cp311-cp311-manylinux_2_28_aarch64.whl",
    "a-1.0-cp311-cp311-musllinux_1_1_x86_64.whl",
    "a-1.0-cp311-cp311-win_amd64.whl",
    "a-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    "a-1.0-cp312-abi3-manylinux_2_28_x86_64.whl",
]


@pytest.mark.parametrize("best", range(len(BEST_FIRST)))
def test_the_most_specific_wheel_counts(best: int) -> None:
    assert select(package("a", *NEVER, *reversed(BEST_FIRST[best:]))) == [BEST_FIRST[best]]


def test_of_equal_wheels_the_highest_build_counts() -> None:
    files = [f"a-1.0{build}-py3-none-any.whl" for build in ("", "-2", "-10", "-9a")]
    assert select(package("a", *files)) == ["a-1.0-10-py3-none-any.whl"]


def test_markers_are_those_of_the_target() -> None:
    markers = {
        "a": "sys_platform == 'linux' and platform_machine == 'aarch64' and os_name == 'posix'",
        "b": "python_full_version >= '3.11.2' and python_version == '3.11'",
        "c": "platform_system == 'Windows' or implementation_name == 'pypy'",
        "d": "'gpu' in extras or 'dev' in dependency_groups",
    }
    packages = [
        package(name, f"{name}-1.0-py3-none-any.whl", marker=marker) for name, marker in markers.items()
    ]
    assert select(*packages, platform=ARM64) == ["a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl"]
    assert select(*packages, python="3.11.1") == []


def test_the_version_for_the_platform_is_chosen_and_sorted_by_name() -> None:
    packages = [
        package("z", "z-1.0-py3-none-any.whl"),
        package("a", "a-1.0-py3-none-any.whl", marker="platform_machine == 'x86_64'"),
        package("a", "a-2.0-py3-none-any.whl", version="2.0", marker="platform_machine == 'aarch64'"),
    ]
    assert select(*packages, platform=ARM64) == ["a-2.0-py3-none-any.whl", "z-1.0-py3-none-any.whl"]


def test_a_wheel_required_by_its_url_is_a_wheel() -> None:
    archive = {"url": "https://h/d/en_core-3.0%2Bx-py3-none-any.whl", "hashes": {"sha256": SHA}}
    assert select({"name": "en-core", "archive": archive}) == ["en_core-3.0+x-py3-none-any.whl"]


def test_every_package_without_a_wheel_is_named_with_what_it_has() -> None:
    error = problem(
        package("fine", "fine-1.0-py3-none-any.whl"),
        package("numpy", "numpy-1.0-cp39-cp39-win32.whl"),
        package("docopt", archive={"url": "https://h/docopt-1.0.rar", "hashes": {"sha256": SHA}}),
        platform=ARM64,
    )
    assert error.message == "2 packages have no wheel for linux/arm64, Python 3.11.2, glibc 2.36"
    assert error.where == "docopt 1.0, numpy 1.0"
    assert error.detail.splitlines() == [
        "docopt 1.0: has no wheel for the target, and its source is of an unknown kind (docopt-1.0.rar)",
        "numpy 1.0: has no wheel for the target, only numpy-1.0-cp39-cp39-win32.whl",
    ]
    assert "find-links" in error.hint


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            {"vcs": {"type": "git", "url": "https://me:secret@h/r", "commit-id": "c" * 40}},
            "comes from a repository (https://h/r)",
        ),
        ({"directory": {"path": "libs/own"}}, "is the folder libs/own"),
        ({"archive": {"url": "https://h/x-1.0.zip", "hashes": {"sha256": SHA}}}, "locked without a version"),
        ({"archive": {"path": "x-1.0-py3-none-any.whl", "hashes": {"sha256": SHA}}}, "locked by a path"),
        ({"archive": {"url": "https://h/x-1.0-py3-none-any.whl", "hashes": {"md5": "0"}}}, "not by SHA-256"),
    ],
)
def test_what_is_no_wheel_is_named(source: dict[str, Any], said: str) -> None:
    error = problem({"name": "own", **source})
    assert said in error.detail
    assert "secret" not in error.detail


SOURCE = {"url": "https://h/a-1.0.tar.gz", "size": 7, "hashes": {"sha256": SHA}}


@pytest.mark.parametrize("files", [(), ("a-1.0-cp39-cp39-win32.whl",)])
def test_what_has_no_wheel_for_the_target_is_built_from_its_source(files: tuple[str, ...]) -> None:
    found = lock(package("a", *files, sdist=SOURCE), package("b", "b-1.0-py3-none-any.whl"))
    target = {"platform": AMD64, "python_full": "3.11.2", "glibc": (2, 36)}
    source = LockedSdist("a", "1.0", "a-1.0.tar.gz", "https://h/a-1.0.tar.gz", SHA, 7)
    chosen = select_distributions(found, **target)  # type: ignore[arg-type]
    assert chosen.sdists == usable_distributions(found, **target).sdists == (source,)  # type: ignore[arg-type]
    assert [wheel.name for wheel in chosen.wheels] == ["b"]


def test_where_only_wheels_will_do_source_counts_as_nothing() -> None:
    with pytest.raises(ResolutionError) as raised:
        select_distributions(
            lock(package("a", sdist=SOURCE)),
            platform=AMD64,
            python_full="3.11.2",
            glibc=(2, 36),
            only_wheels=True,
        )
    assert raised.value.detail == "a 1.0: has only source"


def test_sources_are_found_whatever_else_a_platform_lacks() -> None:
    found = lock(package("a", sdist=SOURCE), package("b", "b-1.0-cp39-cp39-win32.whl"))
    usable = usable_distributions(found, platform=AMD64, python_full="3.11.2", glibc=(2, 36))
    assert [source.name for source in usable.sdists] == ["a"]


def test_a_package_for_another_python_is_named() -> None:
    error = problem(package("new", "new-1.0-py3-none-any.whl", **{"requires-python": ">=3.12"}))
    assert error.detail == "new 1.0: needs Python >=3.12"


def test_an_archive_whose_name_is_no_wheels_name_does_not_fit() -> None:
    archive = {"url": "https://h/nonsense.whl", "hashes": {"sha256": SHA}}
    assert "only nonsense.whl" in problem({"name": "own", "archive": archive}).detail


def test_tags_are_those_of_the_target_only() -> None:
    tags = {str(tag) for tag in target_tags(ARM64, "3.13", (2, 41))}
    assert "cp313-cp313-manylinux_2_41_aarch64" in tags
    assert not any("x86_64" in tag or "manylinux_2_42" in tag for tag in tags)


@pytest.mark.parametrize("best", range(len(BEST_FIRST)))
def test_packaging_itself_would_choose_the_same(best: int) -> None:
    found = lock(package("a", *NEVER, *reversed(BEST_FIRST[best:])))
    ((_, reference),) = found.pylock.select(tags=target_tags(AMD64, "3.11", (2, 36)))
    assert isinstance(reference, PackageWheel)
    assert reference.filename == BEST_FIRST[best]


def test_packages_without_a_wheel_can_be_passed_over() -> None:
    found = lock(package("a", "a-1.0-py3-none-any.whl"), package("b", "b-1.0-cp310-cp310-win32.whl"))
    chosen = usable_distributions(found, platform=AMD64, python_full="3.11.2", glibc=(2, 36))
    assert [wheel.name for wheel in chosen.wheels] == ["a"]
