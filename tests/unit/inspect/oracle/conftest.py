from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locked import Locked, locked_project, write_lock


@pytest.fixture
def made(tmp_path: Path) -> Locked:
    return locked_project(tmp_path)


@pytest.fixture
def plain(made: Locked) -> Locked:
    """A locked project without bytecode, whose sizes can be told exactly."""
    (made.folder / "lightship.toml").write_text('bytecode = "none"\n')
    write_lock(made)
    return made
