"""An image as the checks see it: one merged tree, whose files can be read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lightship.build.layerstore import LayerStore
from lightship.build.rootfs import Source, stacked
from lightship.elf import ElfInfo
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.inspect.scan import scan_layer
from lightship.oci.model import Image, ImageConfig
from lightship.oci.overlay import Overlay

PACKAGE_FOLDERS = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Item:
    """A path of the image; `elf` where the file is one, `size` in bytes."""

    path: str
    kind: Kind
    mode: int
    size: int
    target: str
    file: Path | None
    elf: ElfInfo | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def package_folder(self) -> str:
        """The folder of installed distributions that the path is in, empty if it is in none."""
        parts = self.path.split("/")
        depth = next((index for index, part in enumerate(parts) if part in PACKAGE_FOLDERS), -1)
        return "/".join(parts[: depth + 1])


@dataclass(frozen=True)
class Contents:
    """What an image holds; `size` is that of its layers' tars, in bytes."""

    config: ImageConfig
    tree: Overlay[Source | None]
    items: dict[str, Item]
    size: int

    def find(self, path: str) -> str | None:
        """Follow symlinks within the image; return the real path, or None."""
        found = self.tree.find(path.lstrip("/"))
        return found[0] if found is not None else None

    def item(self, path: str) -> Item | None:
        real = self.find(path)
        return self.items.get(real) if real is not None else None

    def read(self, path: str) -> bytes:
        """Return a small file's bytes, none where there is no file."""
        item = self.item(path)
        return item.file.read_bytes() if item is not None and item.file is not None else b""

    def text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

    def elf_files(self) -> dict[str, ElfInfo]:
        return {path: item.elf for path, item in self.items.items() if item.elf is not None}

    def distributions(self) -> Iterator[str]:
        """Yield the `.dist-info` folder of each installed distribution."""
        for path, item in self.items.items():
            parent = posixpath.basename(posixpath.dirname(path))
            if item.kind is Kind.DIRECTORY and path.endswith(".dist-info") and parent in PACKAGE_FOLDERS:
                yield path


def open_contents(image: Image, *, store: LayerStore, cache: Path, reporter: Reporter) -> Contents:
    """Unpack and scan what the cache does not have yet, and merge the layers.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.

    """
    layers = store.get_all(image.layers, reporter)
    scans = {layer.diff_id: scan_layer(layer, cache=cache) for layer in layers}
    tree = stacked(layers)
    items: dict[str, Item] = {}
    for path, node in tree.walk():
        if node.member is None:
            items[path] = Item(path, node.kind, 0o755, 0, node.target, None)
            continue
        layer, member = node.member
        is_file = node.kind is Kind.FILE
        elf = scans[layer.diff_id].elf.get(member.number) if is_file else None
        file = layer.file(member) if is_file else None
        items[path] = Item(path, node.kind, member.mode, member.size, node.target, file, elf)
    return Contents(image.config, tree, items, sum(layer.unpacked for layer in layers))
