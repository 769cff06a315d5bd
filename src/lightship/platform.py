"""Target platforms, and what the packaging worlds call them."""

from __future__ import annotations

from msgspec import Struct

from lightship.errors import UsageError

_GNU = {"amd64": "x86_64", "arm64": "aarch64"}
_UV_MINORS = (17, 28, *range(31, 41))  # of glibc 2: `uv pip compile --help`
_OLDEST_MANYLINUX = (2, 5)
_LEGACY = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}  # PEP 600


class Platform(Struct, frozen=True, order=True):
    """An OCI platform: `linux/amd64` or `linux/arm64`."""

    architecture: str
    os: str = "linux"

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"

    @property
    def machine(self) -> str:
        """What `uname -m` says there: `x86_64` or `aarch64`."""
        return _GNU[self.architecture]

    @property
    def debian(self) -> str:
        """Debian's name of the architecture: `amd64` or `arm64`."""
        return self.architecture

    @property
    def multiarch(self) -> str:
        """Debian's multiarch triplet: `x86_64-linux-gnu` or `aarch64-linux-gnu`."""
        return f"{self.machine}-linux-gnu"

    def uv_platform(self, glibc: tuple[int, int]) -> str:
        """Name of `--python-platform` for this glibc, or the next older one that uv knows."""
        minor = max((minor for minor in _UV_MINORS if (2, minor) <= glibc), default=_UV_MINORS[0])
        return f"{self.machine}-manylinux_2_{minor}"

    def wheel_platforms(self, glibc: tuple[int, int]) -> list[str]:
        """Wheel platform tags that run on this glibc, best first (PEP 600)."""
        tags = []
        for minor in range(glibc[1], _OLDEST_MANYLINUX[1] - 1, -1):
            version = (glibc[0], minor)
            tags.append(f"manylinux_{version[0]}_{minor}_{self.machine}")
            if version in _LEGACY:
                tags.append(f"{_LEGACY[version]}_{self.machine}")
        return [*tags, f"linux_{self.machine}"]


def platform_of(machine: str) -> Platform | None:
    """Give the platform of a machine, by what `uname -m` says there; None where Lightship builds for none."""
    names = {text: name for name, gnu in _GNU.items() for text in (name, gnu)}  # macOS says arm64
    return Platform(names[machine]) if machine in names else None


def parse_platform(text: str) -> Platform:
    """Read `linux/amd64`, or the architecture alone.

    Raises:
        UsageError: for a platform that Lightship cannot build.

    """
    os, _, architecture = text.rpartition("/")
    if (os or "linux") != "linux" or architecture not in _GNU:
        known = " or ".join(f"linux/{name}" for name in _GNU)
        raise UsageError(f"unknown platform {text!r}", hint=f"use {known}")
    return Platform(architecture)
