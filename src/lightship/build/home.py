"""Where Lightship keeps images and caches on the build machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lightship.oci.layout import Layout


@dataclass(frozen=True, slots=True)
class Home:
    """Two folders: `data` holds images, `cache` only what can be made again."""

    data: Path
    cache: Path

    @property
    def images(self) -> Layout:
        return Layout(self.data / "images")

    @property
    def archives(self) -> Path:
        """Wheels and Debian packages, by digest."""
        return self.cache / "archives"

    @property
    def indexes(self) -> Path:
        return self.cache / "indexes"


def find_home(environ: Mapping[str, str], user: Path) -> Home:
    """Follow `LIGHTSHIP_HOME`, else the XDG base directory specification; `user` is the home directory."""
    if environ.get("LIGHTSHIP_HOME"):
        root = Path(environ["LIGHTSHIP_HOME"])
        return Home(root / "data", root / "cache")
    data = environ.get("XDG_DATA_HOME") or user / ".local" / "share"
    cache = environ.get("XDG_CACHE_HOME") or user / ".cache"
    return Home(Path(data) / "lightship", Path(cache) / "lightship")
