"""Archives of Python distributions as the lock pins them."""

from __future__ import annotations

import msgspec


class LockedArchive(msgspec.Struct, frozen=True, order=True, rename="kebab", omit_defaults=True):
    """One file of a distribution. `name` is normalised (PEP 503); `size` in bytes, 0 if not known."""

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int = 0


class LockedWheel(LockedArchive, frozen=True, order=True, rename="kebab", omit_defaults=True):
    """One wheel, chosen for a platform."""


class LockedSdist(LockedArchive, frozen=True, order=True, rename="kebab", omit_defaults=True):
    """One source distribution, from which a wheel is built for a platform."""


class SourceBuild(msgspec.Struct, frozen=True, order=True):
    """A source distribution, and the wheels that `build-system.requires` comes to (PEP 518)."""

    sdist: LockedSdist
    requirements: tuple[LockedWheel, ...] = ()


class LockedLibrary(msgspec.Struct, frozen=True, order=True, rename="kebab"):
    """Why a Debian package is locked: a file of a wheel needs a shared library that no wheel brings.

    `file` is its path in the wheel; of several files of one wheel, the first.
    """

    package: str
    soname: str
    wheel: str
    file: str


class LockedStage(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What a named stage is made from on one platform.

    `wheels` are its requirements, `images` the digests of the manifests that it is, or takes from, by the
    names that the configuration gives them.
    """

    wheels: tuple[LockedWheel, ...] = ()
    images: dict[str, str] = {}
