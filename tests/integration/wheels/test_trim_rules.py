"""What the rules leave out of real wheels is missed by nothing that stays in them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lightship.slim import keep_all
from lightship.wheels.trim import RULES, wheel_trimmer
from tests.support.imports import imported_modules, module_name

pytestmark = pytest.mark.integration

ALL = tuple(rule.name for rule in RULES)
NAMED = sorted({name for rule in RULES for name in rule.owners})
TARGET = ("--python-version", "3.11", "--only-binary", ":all:", "--no-deps", "--quiet")
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux_2_5_x86_64",
    "any",
)
NOT_AT_RUN_TIME = {
    ("mpmath/__init__.py", "mpmath.tests"): "runtests(), which runs them",
    ("onnx/defs/gen_doc.py", "onnx.backend.test.case"): "a script that writes ONNX's documentation",
    (
        "scipy/special/_precompute/hyp2f1_data.py",
        "scipy.special.tests.test_hyp2f1",
    ): "a script that writes data for the tests",
}
READS_STUBS = (b"attach_stub", b"lazy_loader")


@pytest.fixture(scope="module", params=NAMED)
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A wheel of each distribution that a rule names, the newest for Python 3.11 on Linux."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "download", *TARGET, *platforms, "--dest", str(folder), name]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return name, path


def test_no_module_that_stays_misses_one_that_goes(wheel: tuple[str, Path]) -> None:
    name, path = wheel
    trimmed_by = wheel_trimmer(ALL, name)
    with zipfile.ZipFile(path) as archive:
        files = [file for file in archive.namelist() if not file.endswith("/")]
        gone = {module_name(file) for file in files if trimmed_by(file)} - {""}
        kept = [file for file in files if file.endswith(".py") and not trimmed_by(file)]
        words = {module.rpartition(".")[2].encode() for module in gone}
        sources = {file: archive.read(file) for file in kept}
    missed = {
        (file, module)
        for file, source in sources.items()
        if any(word in source for word in words)
        for _, module in imported_modules(source, file)
        if module in gone
    }
    assert missed <= set(NOT_AT_RUN_TIME)
    if any(trimmed_by(file) == "type-stubs" for file in files):
        assert not [file for file, source in sources.items() if any(word in source for word in READS_STUBS)]


def test_nothing_that_stays_names_the_c_library_of_onnxruntime(wheel: tuple[str, Path]) -> None:
    name, path = wheel
    trimmed_by = wheel_trimmer(("onnxruntime-c-library",), name)
    if trimmed_by is keep_all:
        return
    with zipfile.ZipFile(path) as archive:
        kept = [file for file in archive.namelist() if not trimmed_by(file)]
        assert [file for file in kept if b"libonnxruntime.so" in archive.read(file)] == [
            f"onnxruntime-{archive_version(path)}.dist-info/RECORD"
        ]


def archive_version(path: Path) -> str:
    return path.name.split("-")[1]


def test_every_rule_still_finds_something(wheel: tuple[str, Path]) -> None:
    """A rule that names a distribution is of use to it, in the version of today."""
    name, path = wheel
    own = [rule.name for rule in RULES if name in rule.owners]
    with zipfile.ZipFile(path) as archive:
        for rule in own:
            trimmed_by = wheel_trimmer((rule,), name)
            assert any(trimmed_by(file) for file in archive.namelist()), rule
