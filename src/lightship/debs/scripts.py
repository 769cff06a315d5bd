"""Maintainer scripts: Lightship runs none, so those that matter are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lightship.debs.model import LockedDeb


@dataclass(frozen=True, slots=True)
class ScriptFinding:
    """A package that expects its maintainer script to have run."""

    package: str
    reason: str


def script_warnings(debs: Sequence[tuple[LockedDeb, Path]]) -> tuple[ScriptFinding, ...]:
    """Name the packages whose maintainer scripts matter, in name order."""
    raise NotImplementedError
