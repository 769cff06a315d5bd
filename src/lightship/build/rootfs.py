"""The unpacked root of an image, kept for running it."""

from __future__ import annotations

from pathlib import Path

from lightship.events import Reporter
from lightship.oci.model import Image


def prepare_root(image: Image, *, cache: Path, reporter: Reporter) -> Path:
    """Return the folder that holds the image's root: made once, shared by every run, never written to."""
    raise NotImplementedError
