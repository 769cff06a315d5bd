"""The merged tree of an image, whose files can be read without laying it out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lightship.build.layerstore import StoredLayer
from lightship.build.rootfs import Source, Tree, layer_store, stacked
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.oci.model import Image


def read_here(source: Source) -> bytes:
    """Read a file where its layer is unpacked."""
    layer, member = source
    return layer.file(member).read_bytes()


@dataclass(frozen=True, slots=True)
class ImageTree:
    """An image's layers, lowest first, and what they look like from above; `reader` gives a file's bytes."""

    layers: list[StoredLayer]
    tree: Tree
    reader: Callable[[Source], bytes] = read_here

    def real(self, path: str) -> str | None:
        """Follow symlinks within the image; None where there is nothing."""
        found = self.tree.find(path.strip("/"))
        return found[0] if found is not None else None

    def is_folder(self, path: str) -> bool:
        found = self.tree.find(path.strip("/"))
        return found is not None and found[1].kind is Kind.DIRECTORY

    def file(self, path: str) -> Path | None:
        """Where the bytes of a file lie on this machine; None where the image has no file."""
        found = self.tree.find(path.strip("/"))
        if found is None or found[1].kind is not Kind.FILE or found[1].member is None:
            return None
        layer, member = found[1].member
        return layer.file(member)

    def data(self, path: str) -> bytes | None:
        """Read a small file; None where the image has none."""
        found = self.tree.find(path.strip("/"))
        if found is None or found[1].kind is not Kind.FILE or found[1].member is None:
            return None
        return self.reader(found[1].member)

    def text(self, path: str) -> str:
        """Read a small file as text, with line feeds alone, empty where there is none."""
        return io.TextIOWrapper(io.BytesIO(self.data(path) or b""), "utf-8", "replace").read()

    def names(self, folder: str) -> list[str]:
        """List what is in a folder, sorted; nothing where there is none."""
        found = self.tree.find(folder.strip("/"))
        return sorted(found[1].children) if found is not None else []

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield every file with its size in bytes."""
        for path, node in self.tree.walk():
            if node.kind is Kind.FILE and node.member is not None:
                yield path, node.member[1].size


def open_tree(image: Image, *, cache: Path, reporter: Reporter) -> ImageTree:
    """Unpack the layers that the cache does not have yet, and lay them over each other.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.

    """
    layers = layer_store(cache).get_all(image.layers, reporter)
    return ImageTree(layers, stacked(layers))
