"""Unpacks layers and images to folders (OCI image spec, layer.md, "Applying Changesets")."""

from __future__ import annotations

from pathlib import Path

from lightship.events import Reporter
from lightship.oci.model import Image, Layer


def unpack_layer(layer: Layer, folder: Path, *, as_root: bool) -> None:
    raise NotImplementedError


def unpack_image(image: Image, folder: Path, *, reporter: Reporter, as_root: bool) -> None:
    raise NotImplementedError
