"""What the name of a base image tells: the distribution, its C library, the Python in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightship.dockerfile.expand import unknown

# glibc of each release, https://sourceware.org/glibc/wiki/Glibc%20Timeline and the distributions' packages.
_GLIBC = {
    "buster": (2, 28),
    "bullseye": (2, 31),
    "bookworm": (2, 36),
    "trixie": (2, 41),
    "forky": (2, 42),
    "focal": (2, 31),
    "jammy": (2, 35),
    "noble": (2, 39),
}
_NUMBERS = {
    "debian": {"10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie"},
    "ubuntu": {"20.04": "focal", "22.04": "jammy", "24.04": "noble"},
}
_SYSTEM_PYTHON = {
    "bullseye": "3.9",
    "bookworm": "3.11",
    "trixie": "3.13",
    "focal": "3.8",
    "jammy": "3.10",
    "noble": "3.12",
}
_PYTHON_IMAGES = re.compile(r"(?:python|uv)(3\.\d+)?")


@dataclass(frozen=True, slots=True)
class ImageName:
    """A base image's name in parts; `known` is False where a variable leaves it open."""

    name: str
    tag: str
    digest: str
    known: bool

    @property
    def repository(self) -> str:
        """Name without the registry and the account, in which mirrors differ."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def reference(self) -> str:
        """The name as `FROM` has it, less an alias."""
        tagged = f"{self.name}:{self.tag}" if self.tag else self.name
        return f"{tagged}@{self.digest}" if self.digest else tagged

    @property
    def is_official(self) -> bool:
        """Tell whether the name is that of an official image, or of a mirror of one: it has no account."""
        account = self.name.rpartition("/")[0].rpartition("/")[2]
        return account in ("", "library") or bool(re.search(r"[.:]", account))

    @property
    def is_cuda(self) -> bool:
        return self.name.endswith(("nvidia/cuda", "/cuda"))

    @property
    def suite(self) -> str:
        """Release of Debian or Ubuntu, by its code name; "" if the name does not tell."""
        for suite in _GLIBC:
            if re.search(rf"(?:\b|-){suite}\b", self.tag):
                return suite
        for distribution, releases in _NUMBERS.items():
            written = self.tag if self.repository == distribution else self.tag.partition(distribution)[2]
            for number, suite in releases.items():
                if written.startswith(number):
                    return suite
        return ""

    @property
    def libc(self) -> str:
        """`musl` or `glibc`; "" if the name does not tell."""
        if not self.known:
            return ""
        if self.repository == "alpine" or "alpine" in self.tag:
            return "musl"
        glibc = self.suite or self.is_cuda or self.repository in _GLIBC_IMAGES
        return "glibc" if glibc else ""

    @property
    def glibc(self) -> tuple[int, int] | None:
        return _GLIBC.get(self.suite)

    @property
    def python(self) -> str:
        """The Python that `python` is, as `3.11`; "" if the name does not tell or it has none of its own."""
        match = _PYTHON_IMAGES.fullmatch(self.repository)
        if not match or not self.known:
            return ""
        found = re.search(r"(?:^|-|python)(3\.\d+)", self.tag)
        return match[1] or (found[1] if found else "")

    @property
    def system_python(self) -> str:
        return _SYSTEM_PYTHON.get(self.suite, "") if self.known else ""

    @property
    def has_compilers(self) -> bool:
        """Tell whether the official image brings gcc and headers: it is built on `buildpack-deps`."""
        if not self.known:
            return False
        if self.is_cuda or self.repository == "pytorch":
            return "devel" in self.tag
        if not self.is_official:
            return False
        small = re.search(r"slim|alpine|distroless|windows", self.tag)
        return (
            self.repository in ("python", "node", "ruby", "golang", "rust", "gcc", "buildpack-deps")
            and not small
        )


def parse_image(text: str) -> ImageName:
    """Split `registry/name:tag@digest`; an absent part is empty."""
    rest, _, digest = text.partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    name, tag = (rest[:colon], rest[colon + 1 :]) if colon >= 0 else (rest, "")
    return ImageName(name, tag, digest, not unknown(text))


_GLIBC_IMAGES = ("python", "debian", "ubuntu", "node", "golang", "rust", "pytorch", "buildpack-deps")
