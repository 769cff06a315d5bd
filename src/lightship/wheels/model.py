"""Wheels as the lock pins them."""

from __future__ import annotations

import msgspec


class LockedWheel(msgspec.Struct, frozen=True, order=True, rename="kebab", omit_defaults=True):
    """One wheel, chosen for a platform. `name` is normalised (PEP 503); `size` in bytes, 0 if not known."""

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int = 0


class LockedLibrary(msgspec.Struct, frozen=True, order=True, rename="kebab"):
    """Why a Debian package is locked: a file of a wheel needs a shared library that no wheel brings.

    `file` is its path in the wheel; of several files of one wheel, the first.
    """

    package: str
    soname: str
    wheel: str
    file: str
