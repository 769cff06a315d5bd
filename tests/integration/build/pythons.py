"""Pythons of this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORTED = ("3.11", "3.12", "3.13")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def candidates(version: str) -> list[Path]:
    """Interpreters of this version: this one's base, pyenv's, those of the PATH and the system."""
    own = [Path(sys.base_prefix, "bin", f"python{version}")] if version == RUNNING else []
    managed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"))
    named = shutil.which(f"python{version}")
    found = [*own, *managed, *([Path(named)] if named else []), Path(f"/usr/bin/python{version}")]
    return [path for path in found if path.is_file() and _is(path, version)]


def python_of(version: str) -> Path:
    """An interpreter of this version; the test is skipped (in CI: fails) where there is none."""
    if found := candidates(version):
        return found[0]
    pytest.skip(f"not on this machine: Python {version}")


def available() -> list[str]:
    return [version for version in SUPPORTED if candidates(version)]


def _is(path: Path, version: str) -> bool:
    """Tell whether it works: pyenv puts programs on the PATH that only say that a version is not chosen."""
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-ISc", show], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version
