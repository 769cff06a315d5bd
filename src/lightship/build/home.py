"""Where Lightship keeps images and caches on the build machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from lightship.errors import UsageError
from lightship.fs.atomic import storage_error
from lightship.oci.layout import Layout


class Home(Struct, frozen=True):
    """Two folders: `data` holds images, `cache` only what can be made again."""

    data: Path
    cache: Path

    @property
    def images(self) -> Layout:
        return Layout(self.data / "images")

    @contextmanager
    def claimed(self, *, exclusive: bool = False) -> Iterator[None]:
        """Keep other processes from removing what is in both folders, or claim the right to remove it.

        The kernel takes the claim back when the process dies.

        Raises:
            UsageError: if `exclusive`, and another process has a claim.

        """
        handle = self._open_lock()
        try:
            _lock(handle, self.data, exclusive=exclusive)
            yield
        finally:
            os.close(handle)

    def _open_lock(self) -> int:
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            return os.open(self.data / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise storage_error(error, self.data) from error

    @property
    def origins(self) -> Path:
        """What each built image was made from: it stays as long as the image does."""
        return self.data / "origins"

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


def _lock(handle: int, folder: Path, *, exclusive: bool) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except BlockingIOError:
        raise UsageError(
            "a build, or an image that runs, uses the cache",
            where=str(folder),
            hint="wait until it has ended",
        ) from None
