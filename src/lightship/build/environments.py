"""Environments of wheels for the commands of stages: laid out once each, and only ever read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from lightship.build.folders import making
from lightship.build.steps import Inputs, layer_entries, virtual_environment
from lightship.digest import hex_of, of_value
from lightship.events import Reporter
from lightship.fs.entries import Entry
from lightship.fs.plant import Planter
from lightship.fs.tar import EPOCH
from lightship.plan.model import WheelsLayer
from lightship.wheels.model import LockedWheel

PLACE = "run/environment"
"""Where commands see it, without the leading slash: launchers name their interpreter there."""
_LAYOUT = 1
"""Part of the digest: raised when environments are laid out in another way."""


def prepare_environment(
    wheels: Sequence[LockedWheel],
    archives: Mapping[str, Path],
    *,
    python: str,
    cache: Path,
    reporter: Reporter,
) -> Path:
    """Return the folder that holds a virtual environment with these wheels, nothing of them left out.

    `archives` has the wheels' files, by SHA-256.

    Raises:
        IntegrityError: a damaged wheel, or two that write a path both as a file and as a folder.
        StageError: if the cache cannot be written.

    """
    key = of_value([_LAYOUT, python, sorted(wheel.sha256 for wheel in wheels)])
    final = cache / "roots" / "environments" / hex_of(key)
    if final.is_dir():
        return final
    layer = WheelsLayer(PLACE, python, tuple(sorted(wheels)))
    with (
        making(final) as building,
        layer_entries(layer, Inputs(archives, building)) as entries,
        reporter.task(f"installing {len(wheels)} distributions for a stage", unit="files") as task,
    ):
        planter = Planter(building, archive="the wheels of a stage")
        for entry in _inside([*virtual_environment(PLACE, python)], entries):
            # A fixed time: Python compares a module's with the one in its bytecode.
            planter.put(entry, entry.content.chunks() if entry.content else (), mtime=EPOCH)
            task.advance(1)
        building.chmod(0o755)
    return final


def _inside(skeleton: Sequence[Entry], entries: Iterator[Entry]) -> Iterator[Entry]:
    for source in (skeleton, entries):
        for entry in source:
            if entry.path.startswith(f"{PLACE}/"):
                yield replace(entry, path=entry.path.removeprefix(f"{PLACE}/"))
