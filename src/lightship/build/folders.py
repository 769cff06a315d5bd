"""Folders that appear under their final name whole, or not at all (rename(2) is atomic)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightship.fs.atomic import storage_error
from lightship.oci.unpack import remove_tree


@contextmanager
def making(final: Path) -> Iterator[Path]:
    """Fill a folder that becomes `final` when the block ends without an error.

    Where another process was first, its folder stays.

    Raises:
        StageError: if the disk is full or the folder cannot be written.

    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=final.parent, prefix=".tmp-"))
        try:
            yield building
            _publish(building, final)
        except BaseException:
            remove_tree(building)
            raise
    except OSError as error:
        raise storage_error(error, final) from error


def _publish(building: Path, final: Path) -> None:
    try:
        building.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        remove_tree(building)
