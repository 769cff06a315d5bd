"""The same lock gives the same image digest, whatever builds it (the design's first invariant)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.build.calling import Lightship
from tests.integration.build.conftest import Built, copy_example
from tests.integration.build.pythons import RUNNING, available, candidates

pytestmark = pytest.mark.integration
LOCK, START = "pylock.none.toml", "start.none.json"
NOBODY = 65534
AS_NOBODY = ("/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
OTHER_SURROUNDINGS = {
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Pacific/Kiritimati",
    "PYTHONHASHSEED": "4711",
    "COLUMNS": "40",
}
Copy = Callable[[Path], Path]
Install = Callable[[Path], Path]


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="elsewhere-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def copy(pharmabot: Built) -> Copy:
    """Make another checkout of the project: the same contents, lock and recorded start, other times."""

    def make(folder: Path) -> Path:
        copy_example(folder)
        for name in (LOCK, START):
            shutil.copyfile(pharmabot.folder / name, folder / name)
        for path in folder.rglob("*"):
            os.utime(path, (1_000_000_000, 1_000_000_000))
        return folder

    return make


def rebuild(lightship: Lightship, folder: Path) -> str:
    return lightship.build(folder, "--variant", "none", "--locked")


def test_a_lock_made_elsewhere_is_the_same(pharmabot: Built, tmp_path: Path) -> None:
    folder = copy_example(tmp_path / "another" / "folder")
    Lightship(tmp_path / "home").using(**OTHER_SURROUNDINGS).lock(folder, "--variant", "none")
    assert (folder / LOCK).read_bytes() == (pharmabot.folder / LOCK).read_bytes()


@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_folder_time_umask_and_locale_do_not_matter(
    pharmabot: Built, tmp_path: Path, copy: Copy, cache: str
) -> None:
    before = os.umask(0o077)
    try:
        folder = copy(tmp_path / "another" / "folder")
    finally:
        os.umask(before)
    root = tmp_path / "home"
    lightship = Lightship(root) if cache == "cold" else pharmabot.lightship.warm(root)
    other = replace(lightship.using(**OTHER_SURROUNDINGS), umask=0o077)
    assert rebuild(other, folder) == pharmabot.digests["none"]


def test_a_build_with_everything_there_gives_it_again(pharmabot: Built, tmp_path: Path, copy: Copy) -> None:
    assert rebuild(pharmabot.lightship, copy(tmp_path / "again")) == pharmabot.digests["none"]


@pytest.mark.parametrize("version", available())
def test_python_does_not_matter(
    pharmabot: Built, tmp_path: Path, install_for: Install, copy: Copy, version: str
) -> None:
    program = install_for(candidates(version)[0]) / "bin/lightship"
    lightship = replace(pharmabot.lightship.warm(tmp_path / "home"), program=(str(program),))
    assert rebuild(lightship, copy(tmp_path / "project")) == pharmabot.digests["none"]


def test_the_running_python_is_among_those_tried() -> None:
    assert RUNNING in available()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: run the tests as root")
def test_an_ordinary_user_gets_it_too(
    pharmabot: Built, elsewhere: Path, install_for: Install, copy: Copy
) -> None:
    program = install_for(python_for_everybody()) / "bin/lightship"
    home, folder = elsewhere / "home", copy(elsewhere / "project")
    home.mkdir()
    for path in (home, folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    lightship = Lightship(home / "lightship", program=(*AS_NOBODY, str(program))).using(
        HOME=str(home), XDG_CACHE_HOME=str(home / "cache"), PATH="/usr/bin:/bin"
    )
    assert rebuild(lightship, folder) == pharmabot.digests["none"]
    assert (home / "lightship").stat().st_uid == NOBODY


def python_for_everybody() -> Path:
    """A Python that does not lie in somebody's home."""
    for version in available():
        for path in candidates(version):
            if (
                subprocess.run([*AS_NOBODY, path, "-Ic", "pass"], capture_output=True, check=False).returncode
                == 0
            ):
                return path
    pytest.skip("not on this machine: a Python that other users may run (package python3)")
