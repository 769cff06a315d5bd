"""What an image is made of: packages, what they need of each other, and the system that they are for."""

from __future__ import annotations

import msgspec

from lightship.digest import Digest

PYTHON, DEBIAN = "pypi", "deb"


class Package(msgspec.Struct, frozen=True, order=True):
    """A distribution or a Debian package; `kind` is its type as package URLs have it.

    `source` and `source_version` are those of the Debian source package. `licences` are SPDX expressions as
    far as there are any, else names. `places` are the paths of its metadata, `record` is the SHA-256 of a
    RECORD. `sha256` and `file` are those of the archive that it comes from, where that is known. `requires`
    has the `ref` of every package of the image that it needs.
    """

    kind: str
    name: str
    version: str
    ref: str
    architecture: str = ""
    source: str = ""
    source_version: str = ""
    summary: str = ""
    licences: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    record: str = ""
    sha256: str = ""
    file: str = ""
    requires: tuple[str, ...] = ()


class System(msgspec.Struct, frozen=True):
    """The operating system, as os-release(5) says it."""

    id: str
    version: str
    name: str


class Inventory(msgspec.Struct, frozen=True):
    """What an image holds; `created` is RFC 3339 text, `platform` such as `linux/amd64`.

    `name` and `version` are what the image's labels say, so that the same image is always told of in the same
    way, wherever it lies.
    """

    image: Digest
    name: str
    version: str
    platform: str
    created: str
    system: System | None
    packages: tuple[Package, ...]

    def top(self) -> tuple[Package, ...]:
        """Give those that nobody needs, and one of every circle: all others are reached from them."""
        needed = {ref for package in self.packages for ref in package.requires if ref != package.ref}
        ordered = sorted(self.packages, key=lambda package: (package.ref in needed, package))
        requires = {package.ref: package.requires for package in self.packages}
        reached: set[str] = set()
        found = []
        for package in ordered:
            if package.ref in reached:
                continue
            found.append(package)
            todo = [package.ref]
            while todo:
                ref = todo.pop()
                if ref not in reached:
                    reached.add(ref)
                    todo += requires.get(ref, ())
        return tuple(sorted(found))
