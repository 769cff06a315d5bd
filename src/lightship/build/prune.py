"""What the caches hold, and how to be rid of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lightship.build.home import Home
from lightship.oci.index import all_blobs


class CacheInfo(msgspec.Struct, frozen=True):
    """A part of the cache: its folder, how many files it has, and their bytes."""

    what: str
    folder: str
    files: int
    size: int


def cache_info(home: Home) -> list[CacheInfo]:
    """Measure every part of the cache, and the image store."""
    parts = sorted(path for path in home.cache.iterdir()) if home.cache.is_dir() else []
    return [_measure(path.name, path) for path in (*parts, home.images.path)]


def prune(home: Home) -> int:
    """Empty the cache, and remove blobs that no named image needs; return the bytes that were freed.

    Images stay.

    Raises:
        UsageError: while a build, or an image that runs, uses them.

    """
    with home.claimed(exclusive=True):
        before = sum(part.size for part in cache_info(home))
        for path in list(home.cache.iterdir()) if home.cache.is_dir() else []:
            _make_writable(path)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for leftover in (*_unused(home), *home.images.path.glob(".tmp-*")):
            leftover.unlink(missing_ok=True)
        return before - sum(part.size for part in cache_info(home))


def _measure(what: str, folder: Path) -> CacheInfo:
    sizes: dict[tuple[int, int], int] = {}  # hard links count once
    for path, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(path, name))  # noqa: PTH118 - many thousand files
            sizes[status.st_dev, status.st_ino] = status.st_size
    return CacheInfo(what, str(folder), len(sizes), sum(sizes.values()))


def _make_writable(folder: Path) -> None:
    """Unpacked roots have folders that nobody may write to, as their images say."""
    for path, names, _ in os.walk(folder):
        for name in names:
            inner = Path(path, name)
            if not inner.is_symlink():
                inner.chmod(0o700)


def _unused(home: Home) -> Iterator[Path]:
    """Yield blobs that no named image needs, and what is known of images that are gone."""
    layout = home.images
    if not layout.blobs.is_dir():
        return
    used = set()
    for descriptor in layout.index().manifests:
        used |= {blob.digest for blob in all_blobs(layout, descriptor)}
    names = {layout.blob_path(digest).name for digest in used}
    yield from (path for path in layout.blobs.iterdir() if path.name not in names)
    known = [path for path in home.origins.glob("*/*") if path.is_file()]
    yield from (path for path in known if path.parent.name + path.name not in names)
