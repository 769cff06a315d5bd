"""Every supported Python builds the golden image byte for byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
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
def test_every_python_builds_the_golden_image(
    tmp_path: Path, install_for: Callable[[Path], Path], version: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    python = install_for(candidates(version)[0]) / "bin/python"
    subprocess.run([python, "-c", PROGRAM, work], check=True, cwd=tmp_path, env=environ)
    assert contents(work / "layout") == contents(LAYOUT)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
