"""What bad input must not do, and how files go bad."""

from __future__ import annotations

from pathlib import Path

from lightship.oci.validate import layout_problems
from tests.integration.build.calling import Lightship


def assert_intact(lightship: Lightship) -> None:
    """Every file that has its final name is right, and nothing half-written lies about."""
    home = lightship.home
    for folder in (home.cache, home.data):
        assert list(folder.rglob(".tmp-*")) == []
    if (home.images.path / "oci-layout").is_file():
        assert layout_problems(home.images) == []


def flip(path: Path, at: int) -> None:
    """Change one byte; a hard link elsewhere keeps what it has."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.unlink()
    path.write_bytes(data)


def follow_hint(lightship: Lightship, said: str) -> None:
    """Do what an error about a damaged cache says to do."""
    assert "`lightship cache prune`" in said
    lightship.ask("cache", "prune", cwd=lightship.root)
    assert not lightship.home.archives.exists()
