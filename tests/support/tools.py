"""Commands that tests may need; see scripts/system-packages.toml."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.setup import present, wanted_packages


def missing_tools(names: Iterable[str]) -> dict[str, str]:
    """Those of `names` that this machine lacks, each with the Debian package that brings it."""
    packages = wanted_packages("test")
    return {name: packages[name] for name in names if not present(name)}
