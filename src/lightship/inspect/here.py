"""Files of layers, where these are: unpacked here, or in a registry."""

from __future__ import annotations

import hashlib
from typing import Protocol

from lightship.build.layerstore import LayerStore
from lightship.inspect.answers import File
from lightship.oci.model import Layer
from lightship.registry.remote import RemoteLayer


class Reader(Protocol):
    """Gives what is in files of layers; each may raise `UntoldError`."""

    def read(self, file: File) -> bytes:
        """Give a small file's bytes."""

    def digest(self, file: File) -> bytes:
        """Give a file's SHA-256."""


class UnpackedFiles:
    """Files of unpacked layers, read where they lie."""

    def read(self, file: File) -> bytes:
        layer, member = file
        return layer.file(member).read_bytes()

    def digest(self, file: File) -> bytes:
        layer, member = file
        with layer.file(member).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()


def is_far(layer: Layer, store: LayerStore) -> bool:
    """Tell whether a layer is neither unpacked nor in the local store."""
    return isinstance(layer, RemoteLayer) and not store.has(layer.diff_id)
