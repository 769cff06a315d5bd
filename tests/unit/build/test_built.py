from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightship.build.built import adopt, check_native
from lightship.errors import StageError, UsageError
from lightship.platform import Platform
from lightship.wheels.model import LockedSdist
from tests.support.wheels import wheel_bytes

SDIST = LockedSdist("own-part", "1.0", "own_part-1.0.tar.gz", "", "")
NAME = "own_part-1.0-py3-none-any.whl"
WHEEL = wheel_bytes("own_part", "1.0", {"own.py": b"x = 1\n"})


@dataclass(frozen=True)
class Target:
    platform: Platform = Platform("amd64")  # noqa: RUF009 - frozen itself
    python_full: str = "3.11.2"
    python: str = "3.11"
    glibc: tuple[int, int] = (2, 36)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def refused(out: Path) -> str:
    with pytest.raises(StageError) as caught:
        adopt(out, SDIST, Target(), out.parent / "archives")
    assert caught.value.where == "own_part-1.0.tar.gz"
    assert not list((out.parent / "archives").rglob("*.whl"))
    assert not [path for path in (out.parent / "archives").rglob("*") if path.is_file()]
    return caught.value.message


def test_a_right_wheel_lies_under_its_digest_and_is_locked_by_it(out: Path) -> None:
    (out / NAME).write_bytes(WHEEL)
    wheel = adopt(out, SDIST, Target(), out.parent / "archives")
    sha256 = hashlib.sha256(WHEEL).hexdigest()
    assert (wheel.name, wheel.version, wheel.filename) == ("own-part", "1.0", NAME)
    assert (wheel.sha256, wheel.size, wheel.url) == (sha256, len(WHEEL), "built:own_part-1.0.tar.gz")
    assert (out.parent / "archives" / "sha256" / sha256).read_bytes() == WHEEL


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "left 0 files"),
        ([NAME, "other.whl"], "left 2 files"),
        (["nonsense.whl"], "no wheel"),
        (["other-1.0-py3-none-any.whl"], "another distribution or version"),
        (["own_part-1.1-py3-none-any.whl"], "another distribution or version"),
        (["own_part-1.0-cp312-cp312-linux_x86_64.whl"], "does not run on linux/amd64"),
        (["own_part-1.0-cp311-cp311-linux_aarch64.whl"], "does not run on linux/amd64"),
    ],
)
def test_another_wheel_than_was_asked_for_is_refused(out: Path, names: list[str], said: str) -> None:
    for name in names:
        (out / name).write_bytes(WHEEL)
    assert said in refused(out)


def test_a_link_is_not_followed(out: Path) -> None:
    (out.parent / "elsewhere").write_bytes(WHEEL)
    (out / NAME).symlink_to(out.parent / "elsewhere")
    assert "no file" in refused(out)


def test_a_pipe_is_not_waited_for(out: Path) -> None:
    os.mkfifo(out / NAME)
    assert "no file" in refused(out)


@pytest.mark.parametrize("data", [b"nonsense", WHEEL[:-40], wheel_bytes("own_part", "1.0", {"../x": b""})])
def test_a_wheel_that_cannot_be_installed_is_refused(out: Path, data: bytes) -> None:
    (out / NAME).write_bytes(data)
    assert "cannot be installed" in refused(out)


def test_nothing_is_compiled_for_another_processor() -> None:
    other = Platform("arm64" if os.uname().machine == "x86_64" else "amd64")
    with pytest.raises(UsageError, match=r"own-part 1\.0 has no wheel for linux/") as caught:
        check_native(other, SDIST)
    assert "build on a machine" in caught.value.hint
