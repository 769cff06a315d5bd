"""Images that others made, as something to build on: what they are, and what was read of them."""

from __future__ import annotations

import msgspec

from lightship.debs.model import InstalledDeb
from lightship.digest import Digest
from lightship.oci.model import Execution
from lightship.oci.record import LayerRecord

GLIBC, MUSL = "glibc", "musl"


class Interpreter(msgspec.Struct, frozen=True):
    """A Python: the absolute path of its program, its whole version (`3.11.2`), and whether it is CPython."""

    path: str
    version: str
    is_cpython: bool = True

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])


class SizedFile(msgspec.Struct, frozen=True):
    """A file by its path, without a leading slash, and its size in bytes."""

    path: str
    size: int


class BaseFacts(msgspec.Struct, frozen=True):
    """What was read of an image's tree.

    `pythons` are in the order of `PATH`. `libc` is `glibc`, `musl` or empty, `glibc` a version such as
    `(2, 36)`. `os_id`, `os_version`, `codename` are those of os-release(5), `users` and `groups` the text of
    its passwd(5) and group(5). `libraries` names what its dynamic loader finds, `cached` is its ld.so.cache
    (name and path), `links` are folders that are symlinks, by path, at most two levels down. `cuda` are the
    libraries of CUDA, the biggest first.
    """

    pythons: tuple[Interpreter, ...] = ()
    libc: str = ""
    glibc: tuple[int, int] = (0, 0)
    os_id: str = ""
    os_version: str = ""
    codename: str = ""
    users: str = ""
    groups: str = ""
    packages: tuple[InstalledDeb, ...] = ()
    libraries: tuple[str, ...] = ()
    cached: tuple[tuple[str, str], ...] = ()
    links: dict[str, str] = {}
    cuda: tuple[SizedFile, ...] = ()
    has_environment: bool = False

    @property
    def debian(self) -> str:
        """Code name of the Debian release, empty where it is none."""
        return self.codename if self.os_id == "debian" else ""

    @property
    def is_merged(self) -> bool:
        """Whether `/bin` and `/lib` are links into `/usr`, as Debian's packages count on since bookworm."""
        return all(self.links.get(name) == f"usr/{name}" for name in ("bin", "lib"))


class BaseImage(msgspec.Struct, frozen=True):
    """An image to build on, pinned by its manifest's digest, and the Python in it that is used."""

    reference: str
    digest: Digest
    architecture: str
    layers: tuple[LayerRecord, ...]
    execution: Execution
    facts: BaseFacts
    python: Interpreter


class BaseSummary(msgspec.Struct, frozen=True):
    """What a plan says of the image that it builds on.

    `packages` are names of Debian packages in it, `suite` its Debian release, empty where it is none.
    """

    reference: str
    digest: Digest
    python: str
    glibc: tuple[int, int]
    packages: tuple[str, ...] = ()
    suite: str = ""
