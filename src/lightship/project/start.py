"""The recorded start of a service, in a file beside the lock: what it imported, and what it opened."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lightship.errors import UsageError
from lightship.fs.atomic import write_bytes

Paths = dict[str, tuple[str, ...]]
"""Sorted paths below site-packages, by the name of the distribution that brings them."""


class Start(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True, omit_defaults=True):
    """What a service did when it was started once.

    `python` is the version it ran on (`3.11`), `distributions` has the version of each that was installed,
    `standard_library` the sources that were imported below `/usr/lib/pythonX.Y`, `modules` those of
    distributions. `opened` has, by architecture and distribution, every file that any process opened, and
    `system` by architecture those of Debian packages, as paths in the image without imported sources; both
    are recorded for those who need them.
    """

    python: str
    distributions: dict[str, str] = {}
    standard_library: tuple[str, ...] = ()
    modules: Paths = {}
    opened: dict[str, Paths] = {}
    system: Paths = {}


def start_path(folder: Path, variant: str) -> Path:
    return folder / f"start.{variant}.json"


def read_start(path: Path) -> Start | None:
    """Read a record, if there is one.

    Raises:
        UsageError: if the file is damaged.

    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Start)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            "the recorded start cannot be read",
            where=str(path),
            hint="record it anew with `lightship build --record`",
            detail=str(error),
        ) from error


def write_start(path: Path, start: Start) -> None:
    """Write a record: one path a line, so that a change can be read."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(start), indent=1) + b"\n")
