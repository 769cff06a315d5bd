"""Every supported Python builds the golden image byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.regenerate import LAYOUT
from tests.integration.build.pythons import available, candidates

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from pathlib import Path
from tests.golden.regenerate import build
build(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("version", available())
def test_every_python_builds_the_golden_image(tmp_path: Path, version: str) -> None:
    venv, work = tmp_path / "venv", tmp_path / "work"
    work.mkdir()
    subprocess.run([candidates(version)[0], "-m", "venv", "--without-pip", venv], check=True)
    pip = [sys.executable, "-m", "pip", "--python", f"{venv}/bin/python"]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", str(ROOT)], check=True)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([venv / "bin/python", "-c", PROGRAM, work], check=True, cwd=tmp_path, env=environ)
    assert contents(work / "layout") == contents(LAYOUT)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
