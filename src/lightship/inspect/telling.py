"""Which small files of an image tell what is installed in it."""

from __future__ import annotations

import posixpath

LARGEST = 16 << 20
"""Bytes above which a file is no metadata."""
MOST = 256 << 20
"""Bytes of metadata above which a layer is hostile."""
_DPKG = "var/lib/dpkg/"
_LOADER = "etc/ld.so.cache"
_OF_DISTRIBUTION = ("METADATA", "RECORD", "REQUESTED")


def tells_packages(path: str) -> bool:
    """Tell whether `inspect` may read a file: records of packages, and the loader's cache."""
    folder, name = posixpath.split(path)
    if folder.endswith(".dist-info"):
        return name in _OF_DISTRIBUTION
    if path.startswith(_DPKG):
        return path == f"{_DPKG}status" or folder == f"{_DPKG}status.d" or name.endswith(".list")
    return path == _LOADER
