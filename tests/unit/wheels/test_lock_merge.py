from __future__ import annotations

import tomllib
from typing import Any

from lightship.platform import Platform
from lightship.wheels.merge import merge_pylocks

AMD64, ARM64 = Platform("amd64"), Platform("arm64")


def pylock(*packages: str) -> str:
    return 'lock-version = "1.0"\ncreated-by = "uv"\n' + "".join(packages)


def package(name: str, version: str, *files: str, marker: str = "") -> str:
    wheels = ", ".join(f'{{ url = "https://h/{file}", hashes = {{ sha256 = "{file}" }} }}' for file in files)
    line = f'marker = "{marker}"\n' if marker else ""
    return f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{line}wheels = [{wheels}]\n'


def merge(amd64: str, arm64: str) -> list[dict[str, Any]]:
    merged: list[dict[str, Any]] = tomllib.loads(merge_pylocks({AMD64: amd64, ARM64: arm64}))["packages"]
    return merged


def test_the_same_version_gets_the_wheels_of_both_and_no_marker() -> None:
    (found,) = merge(pylock(package("a", "1", "x", "any")), pylock(package("a", "1", "any", "y")))
    assert [wheel["url"] for wheel in found["wheels"]] == ["https://h/any", "https://h/x", "https://h/y"]
    assert "marker" not in found


def test_the_same_version_from_another_place_is_the_same() -> None:
    arm64 = package("a", "1", "y") + 'sdist = { url = "https://h/s", hashes = { sha256 = "s" } }\n'
    (found,) = merge(pylock(package("a", "1", "x")), pylock(arm64))
    assert (len(found["wheels"]), found["sdist"]["url"]) == (2, "https://h/s")


def test_differing_versions_and_packages_of_one_platform_get_markers_that_exclude_each_other() -> None:
    found = merge(pylock(package("a", "1", "x"), package("b", "1", "b")), pylock(package("a", "2", "y")))
    assert [(item["name"], item["version"], item["marker"]) for item in found] == [
        ("a", "1", 'platform_machine == "x86_64"'),
        ("a", "2", 'platform_machine == "aarch64"'),
        ("b", "1", 'platform_machine == "x86_64"'),
    ]


def test_a_marker_that_is_there_is_kept_beside_the_platforms() -> None:
    marker = "python_version < '3.12' or os_name == 'nt'"
    (found,) = merge(pylock(package("a", "1", "x", marker=marker)), pylock())
    assert found["marker"] == (
        'platform_machine == "x86_64" and (python_version < "3.12" or os_name == "nt")'
    )


def test_the_order_of_what_was_resolved_does_not_matter() -> None:
    one, two = package("a", "1", "x"), package("b", "1", "y")
    assert merge_pylocks({AMD64: pylock(one, two)}) == merge_pylocks({AMD64: pylock(two, one)})
