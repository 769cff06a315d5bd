"""Where an installed wheel's files go."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Environment(Struct, frozen=True):
    """A virtual environment in the image: `prefix` without the leading slash, `python` as `3.11`."""

    prefix: str
    python: str

    @property
    def site_packages(self) -> str:
        return f"{self.prefix}/lib/python{self.python}/site-packages"

    @property
    def interpreter(self) -> str:
        return f"/{self.prefix}/bin/python"

    def scheme(self, distribution: str) -> Mapping[str, str]:
        """Where the folders of `*.data` go (PEP 427, "The .data directory"); names are normalised."""
        return {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "scripts": f"{self.prefix}/bin",
            "headers": f"{self.prefix}/include/site/python{self.python}/{distribution}",
            "data": self.prefix,
        }

    def place(self, path: str, distribution: str) -> str:
        """Where a wheel's file goes, by its path in the wheel; the distribution's name is normalised."""
        top, _, rest = path.partition("/")
        folder, _, inner = rest.partition("/")
        if not top.endswith(".data") or not inner:
            return f"{self.site_packages}/{path}"
        return f"{self.scheme(distribution).get(folder, self.site_packages)}/{inner}"
