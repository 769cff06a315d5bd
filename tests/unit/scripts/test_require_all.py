from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = """
import pytest

def test_passes():
    pass

def test_skips():
    pytest.skip("no such tool")

@pytest.mark.xfail
def test_fails_as_expected():
    assert False
"""


@pytest.mark.parametrize(("require_all", "status"), [("", 0), ("1", 1)])
def test_a_skip_fails_only_where_nothing_may_be_skipped(
    tmp_path: Path, require_all: str, status: int
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "LIGHTSHIP_REQUIRE_ALL": require_all}
    command = [sys.executable, "-m", "pytest", "-p", "require_all", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert ("this was skipped" in done.stdout) == bool(require_all)
