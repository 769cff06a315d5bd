"""Images out of an engine's store, as the library knows images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightship.engines.model import Engine
from lightship.events import Reporter
from lightship.oci.layout import Layout, LayoutImage
from lightship.oci.saved import read_saved


@contextmanager
def exported(
    engine: Engine, name: str, cache: Path, reporter: Reporter, *, compress: bool = False
) -> Iterator[LayoutImage]:
    """Give an image of an engine's store; its blobs lie below `cache` as long as the block runs.

    Raises:
        UsageError: if the engine has no such image.
        StageError: if it cannot be saved.
        IntegrityError: if what was saved is damaged.

    """
    size = engine.find(name).size
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="export-") as folder:
        archive = Path(folder, "image.tar")
        with reporter.task(f"Saving from {engine.name}", size):
            engine.save(name, archive)
        with reporter.task("Reading", archive.stat().st_size) as task:
            image = read_saved(archive, Layout(Path(folder, "layout")), task.advance, compress=compress)
        archive.unlink()
        yield image
