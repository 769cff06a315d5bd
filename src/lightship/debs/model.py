"""Debian packages as the lock pins them."""

from __future__ import annotations

import msgspec


class LockedDeb(msgspec.Struct, frozen=True, order=True, rename="kebab", omit_defaults=True):
    """One `.deb`: `path` is the `Filename` of the Packages index, relative to the mirror; `size` in bytes.

    `archive` names the mirror it comes from, as `DebianSource.archive` does: `main`, `updates` or `security`.
    """

    name: str
    version: str
    architecture: str
    path: str
    size: int
    sha256: str
    archive: str = "main"


class InstalledDeb(msgspec.Struct, frozen=True, order=True):
    """A package that an image has; `provides` has names, each with its version or an empty one."""

    name: str
    version: str
    architecture: str
    provides: tuple[tuple[str, str], ...] = ()
