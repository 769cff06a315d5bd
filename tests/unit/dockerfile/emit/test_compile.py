"""The program that compiles what a list names, as emitted Dockerfiles run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lightship.dockerfile.emit import compile as program

LIST = "# Made by a test\n\npurelib/a/__init__.py\npurelib/broken.py\npurelib/absent.py\n"


def test_what_is_named_is_compiled_and_what_cannot_be_is_left(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "a").mkdir()
    (site / "a/__init__.py").write_text("x = 1\n")
    (site / "a/other.py").write_text("x = 1\n")
    (site / "broken.py").write_text("this is no Python\n")
    (tmp_path / "modules.txt").write_text(LIST)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-B", program.__file__, tmp_path / "modules.txt"], check=True)
    (made,) = site.rglob("*.pyc")
    assert made.parent == site / "a/__pycache__"
    assert made.read_bytes()[4] == 1  # PEP 552: by hash, and not checked
    told = subprocess.run(
        [python, "-c", "import a; print(a.__spec__.cached)"], stdout=subprocess.PIPE, check=True
    )
    assert Path(told.stdout.decode().strip()) == made
