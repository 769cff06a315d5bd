from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from packaging.pylock import Pylock

from lightship.debs.model import LockedDeb
from lightship.digest import of_bytes
from lightship.errors import UsageError
from lightship.platform import Platform
from lightship.wheels.groups import add_groups, installed_names, part_of, without_packages
from lightship.wheels.lock import LockedBuilder, LockedTarget, LockTable, parse_lock, render_lock
from lightship.wheels.select import select_distributions, target_environment

AMD64 = Platform("amd64")
TABLE = LockTable(
    variant="cpu",
    python="3.11",
    base="debian:bookworm",
    inputs=of_bytes(b"inputs"),
    platforms=(AMD64,),
    debs={AMD64: (LockedDeb("libc6", "2.36", "amd64", "pool/c.deb", 1, "c" * 64),)},
    generated_by="1.2.3",
)
DASH = LockedDeb("dash", "0.5", "amd64", "pool/d.deb", 1, "d" * 64)
TARGET = LockedTarget(
    inputs=of_bytes(b"development"),
    debs={AMD64: (DASH,)},
    libraries={AMD64: ()},
    builders={AMD64: LockedBuilder((DASH,))},
)


def pylock(*names: str, marker: str = "") -> str:
    text = 'lock-version = "1.0"\ncreated-by = "uv"\n'
    for name in names:
        wheel = f"{name}-1.0-py3-none-any.whl"
        file = f'{{ name = "{wheel}", url = "https://h/{wheel}", hashes = {{ sha256 = "{name[0] * 64}" }} }}'
        kept = f'marker = "{marker}"\n' if marker else ""
        text += f'\n[[packages]]\nname = "{name}"\nversion = "1.0"\n{kept}wheels = [{file}]\n'
    return text


def markers(text: str) -> dict[str, str]:
    return {package["name"]: package.get("marker", "") for package in tomllib.loads(text)["packages"]}


def names(text: str, *groups: str) -> list[str]:
    found = select_distributions(
        parse_lock(text), platform=AMD64, python_full="3.11.2", glibc=(2, 36), groups=frozenset(groups)
    )
    return [wheel.name for wheel in found.wheels]


LOCK = render_lock(
    add_groups(pylock("a"), {"development": pylock("b", "c"), "staging": pylock("c")}),
    replace(TABLE, targets={"development": TARGET, "staging": TARGET}),
)


def test_a_groups_packages_are_chosen_with_the_group_only() -> None:
    assert names(LOCK) == ["a"]
    assert names(LOCK, "development") == ["a", "b", "c"]
    assert names(LOCK, "staging") == names(LOCK, "staging") == ["a", "c"]
    assert names(LOCK, "development", "staging") == ["a", "b", "c"]


def test_the_lock_is_one_that_other_installers_understand() -> None:
    lock = Pylock.from_dict(tomllib.loads(LOCK))
    assert lock.dependency_groups == ["development", "staging"]
    assert [package.name for package, _ in lock.select()] == ["a"]
    chosen = lock.select(dependency_groups=["development", "staging"])
    assert [package.name for package, _ in chosen] == ["a", "b", "c"]


def test_markers_of_platforms_stay() -> None:
    one = "platform_machine == 'x86_64'"
    text = add_groups(pylock(), {"development": pylock("b", marker=one)})
    assert markers(text) == {"b": f"({one}) and ('development' in dependency_groups)"}


def test_without_groups_a_lock_is_what_it_was() -> None:
    assert add_groups(pylock("a"), {}) == pylock("a")
    lock = render_lock(pylock("a"), TABLE)
    assert part_of(lock, "production") == part_of(lock, "development") == lock


def test_productions_part_is_the_lock_without_targets_to_the_byte() -> None:
    assert part_of(LOCK, "production") == render_lock(pylock("a"), TABLE)


def test_a_targets_part_does_not_change_with_another_targets() -> None:
    more = add_groups(pylock("a"), {"development": pylock("b", "c"), "staging": pylock("c", "z")})
    changed = render_lock(more, replace(TABLE, targets={"development": TARGET, "staging": TARGET}))
    assert changed != LOCK
    assert part_of(changed, "development") == part_of(LOCK, "development")
    assert part_of(changed, "staging") != part_of(LOCK, "staging")


def test_targets_are_read_as_they_were_written() -> None:
    read = parse_lock(LOCK)
    assert read.targets == {"development": TARGET, "staging": TARGET}
    assert parse_lock(part_of(LOCK, "staging")).targets == {"staging": TARGET}
    again = {field: getattr(read, field) for field in ("debs", "libraries", "builders", "inputs")}
    assert render_lock(LOCK, replace(TABLE, targets=read.targets, **again)) == LOCK


def test_a_damaged_target_is_an_error() -> None:
    damaged = LOCK.replace(f'inputs = "{TARGET.inputs}"', 'inputs = "sha256:x"')
    with pytest.raises(UsageError, match="the lock cannot be read"):
        parse_lock(damaged)


def test_packages_are_left_out_by_name() -> None:
    assert without_packages(pylock("a", "b"), {"b", "x"}) == without_packages(pylock("a"), ())


@pytest.mark.parametrize(("python", "found"), [("3.11.2", {"a", "b"}), ("3.11.7", {"a"})])
def test_markers_are_asked_for_the_target(python: str, found: set[str]) -> None:
    packages = [{"name": "a"}, {"name": "b", "marker": "python_full_version < '3.11.3'"}]
    assert installed_names(packages, target_environment(Platform("amd64"), python)) == found
