"""An installed wheel is what `pip install` would have installed, where nothing is trimmed."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightship.wheels.lock import read_lock
from tests.integration.build.conftest import UNTRIMMED, Built
from tests.integration.build.pythons import python_of
from tests.integration.build.trees import File, Tree, environment_files, file_of, is_generated

pytestmark = pytest.mark.integration
PIPS_OWN = re.compile(r".*\.dist-info/(INSTALLER|REQUESTED|direct_url\.json)")
"""Who installed it, whether it was asked for by name, and from which file: no business of the wheel's."""


@pytest.fixture(scope="module")
def shipped(untrimmed: Built) -> Tree:
    """Files of the image's virtual environment."""
    return dict(environment_files(untrimmed.lightship.image(UNTRIMMED)))


@pytest.fixture(scope="module")
def installed(pharmabot: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """What pip adds to a new virtual environment when it installs the very same wheels."""
    folder = tmp_path_factory.mktemp("pip")
    wheels = cached_wheels(pharmabot, folder / "wheels")
    venv = folder / "venv"
    subprocess.run([python_of("3.11"), "-m", "venv", "--without-pip", venv], check=True)
    before = set(files_below(venv))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--isolated", "--python", f"{venv}/bin/python", "install"),
            *("--quiet", "--no-deps", "--no-compile", "--no-index", *map(str, wheels)),
        ],
        check=True,
        umask=0o022,
    )
    added = sorted(set(files_below(venv)) - before)
    yield {path: file_at(venv, path) for path in added}
    shutil.rmtree(folder)


def cached_wheels(built: Built, folder: Path) -> list[Path]:
    """Give the wheels of production the names that pip insists on."""
    folder.mkdir()
    lock = read_lock(built.folder / "pylock.cpu.toml")
    paths = []
    production = [package for package in lock.packages if "dependency_groups" not in str(package.marker)]
    for package in production:
        for wheel in package.wheels or ():
            cached = built.lightship.home.archives / "sha256" / wheel.hashes["sha256"]
            if cached.is_file():
                paths.append(folder / wheel.filename)
                os.link(cached, paths[-1])
    return paths


def files_below(folder: Path) -> Iterator[str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return (str(path.relative_to(folder)) for path in found)


def file_at(venv: Path, path: str) -> File:
    status = (venv / path).lstat()
    assert stat.S_ISREG(status.st_mode), f"pip made {path}, which is no regular file"
    return file_of(path, stat.S_IMODE(status.st_mode), (venv / path).read_bytes())


def test_the_same_paths_are_there(shipped: Tree, installed: Tree) -> None:
    assert len(installed) > 10_000
    ours, theirs = set(shipped), set(installed)
    assert {path for path in ours ^ theirs if not PIPS_OWN.fullmatch(path)} == set()


def test_every_file_has_the_same_mode(shipped: Tree, installed: Tree) -> None:
    common = shipped.keys() & installed.keys()
    differing = {path for path in common if shipped[path].mode != installed[path].mode}
    assert differing == set()


def test_every_file_has_the_same_bytes(shipped: Tree, installed: Tree) -> None:
    """Apart from RECORD and launchers, which have tests of their own."""
    common = shipped.keys() & installed.keys()
    differing = {path for path in common if shipped[path].digest != installed[path].digest}
    assert {path for path in differing if not is_generated(path) and not PIPS_OWN.fullmatch(path)} == set()


def test_every_record_has_the_same_rows(shipped: Tree, installed: Tree) -> None:
    records = [path for path in installed if path.endswith(".dist-info/RECORD")]
    assert len(records) > 60
    for path in records:
        assert rows(shipped[path]) == rows(installed[path]), path


def rows(record: File) -> set[tuple[str, ...]]:
    """Rows of a RECORD; of files whose content differs by design, only that there is a row with a digest."""
    found: set[tuple[str, ...]] = set()
    for path, digest, size in csv.reader(io.StringIO(record.content.decode(), newline="")):
        if PIPS_OWN.fullmatch(path):
            continue
        generated = path.startswith("../../../bin/")
        found.add((path, "some" if generated and digest else digest, "" if generated else size))
    return found


def test_scripts_start_the_same_function(shipped: Tree, installed: Tree) -> None:
    scripts = [path for path in installed if path.startswith("bin/")]
    assert "bin/gunicorn" in scripts
    for path in scripts:
        assert essence(shipped[path].content) == essence(installed[path].content), path
        assert shipped[path].content.startswith(b"#!/opt/venv/bin/python\n"), path


def essence(script: bytes) -> object:
    """What a launcher imports and calls; of a script from the wheel, all but the interpreter's line."""
    first, _, rest = script.partition(b"\n")
    assert first.startswith(b"#!")
    found = re.search(rb"^from (\S+) import (\S+)$.*sys\.exit\((\S+)\(\)\)", rest, re.DOTALL | re.MULTILINE)
    return found.groups() if found else rest
