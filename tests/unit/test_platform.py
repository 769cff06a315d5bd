from __future__ import annotations

import pytest

from lightship.errors import UsageError
from lightship.platform import Platform, parse_platform


@pytest.mark.parametrize("text", ["linux/arm64", "arm64"])
def test_a_platform_is_read_with_or_without_its_system(text: str) -> None:
    assert parse_platform(text) == Platform("arm64")
    assert str(parse_platform(text)) == "linux/arm64"


@pytest.mark.parametrize("text", ["", "windows/amd64", "linux/s390x", "x86_64", "linux/arm64/v8"])
def test_an_unknown_platform_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match="unknown platform") as caught:
        parse_platform(text)
    assert caught.value.hint == "use linux/amd64 or linux/arm64"


@pytest.mark.parametrize(
    ("platform", "machine", "multiarch"),
    [
        (Platform("amd64"), "x86_64", "x86_64-linux-gnu"),
        (Platform("arm64"), "aarch64", "aarch64-linux-gnu"),
    ],
)
def test_names_in_other_worlds(platform: Platform, machine: str, multiarch: str) -> None:
    assert platform.machine == machine
    assert platform.multiarch == multiarch
    assert platform.debian == platform.architecture
    assert platform.uv_platform((2, 36)) == f"{machine}-manylinux_2_36"
    assert platform.uv_platform((2, 41)) == f"{machine}-manylinux_2_40"


def test_wheel_platforms_go_from_the_newest_to_the_oldest_with_their_legacy_names() -> None:
    tags = Platform("amd64").wheel_platforms((2, 18))
    assert tags[:4] == [
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
    ]
    assert tags[-3:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    assert "manylinux_2_19_x86_64" not in tags


@pytest.mark.parametrize(
    ("glibc", "minor"),
    [((2, 12), 17), ((2, 17), 17), ((2, 27), 17), ((2, 30), 28), ((2, 36), 36), ((2, 40), 40), ((2, 41), 40)],
)
def test_uv_is_told_a_glibc_that_it_knows(glibc: tuple[int, int], minor: int) -> None:
    assert Platform("amd64").uv_platform(glibc) == f"x86_64-manylinux_2_{minor}"
