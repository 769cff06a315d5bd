"""An image as the checks see it: one merged tree, whose files can be read, and the layers it is made of."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.build.rootfs import Source, layer_store, stacked
from lightship.elf import ElfInfo
from lightship.errors import UsageError
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.inspect.answers import FactFiles, File, Files
from lightship.inspect.reading import KnownLayer, know_layers
from lightship.inspect.scan import PACKAGE_FOLDERS, Compiled, LayerScan
from lightship.oci.model import Image, ImageConfig
from lightship.oci.overlay import WHITEOUT, Overlay
from lightship.platform import parse_platform

_SYSTEM = frozenset(
    {"bin", "boot", "dev", "etc", "media", "mnt", "proc", "run", "sbin", "sys", "usr", "var"}
    | {"lib", "lib32", "lib64", "libx32"}
)
_PREFIX_MARKS = ("pyvenv.cfg", "conda-meta")


class Item(msgspec.Struct, frozen=True):
    """A path of the image; `elf` where the file is one, `size` in bytes, `layer` counted from 0.

    `file` is that of the layer which holds its bytes; None for what is no file.
    """

    path: str
    kind: Kind
    mode: int
    size: int
    target: str
    file: File | None
    elf: ElfInfo | None = None
    uid: int = 0
    layer: int = 0
    digest: bytes = b""
    compiled: Compiled | None = None
    mtime: int = 0
    capability: bytes = b""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

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
    layers: tuple[StoredLayer, ...]
    scans: tuple[LayerScan, ...]
    reader: Files

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
        return self.reader.read(item.file) if item is not None and item.file is not None else b""

    def text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

    def elf_files(self) -> dict[str, ElfInfo]:
        return {path: item.elf for path, item in self.items.items() if item.elf is not None}

    def distributions(self) -> Iterator[str]:
        """Yield the `.dist-info` folder of each installed distribution."""
        for path, item in self.items.items():
            if path.endswith(".dist-info") and item.kind is Kind.DIRECTORY:
                parent = posixpath.basename(posixpath.dirname(path))
                if parent in PACKAGE_FOLDERS:
                    yield path

    def is_visible(self, layer: int, member: StoredMember) -> bool:
        """Tell whether a file of a layer is seen, under whatever path: no layer above has hidden it."""
        return (layer, member.number) in self._visible

    def files(self) -> Iterator[tuple[int, StoredMember]]:
        """Yield every file of every layer, hidden ones too, lowest layer first."""
        for index, layer in enumerate(self.layers):
            yield from ((index, member) for member in layer.members if _is_file(member))

    def layer_name(self, index: int) -> str:
        return f"layer {index + 1} of {len(self.layers)}"

    def is_application(self, path: str) -> bool:
        """Tell whether a path is the service's own: in no system folder, and nothing that was installed."""
        if "/node_modules/" in f"/{path}" or any(f"{name}/" in path for name in PACKAGE_FOLDERS):
            return False
        if any(path.startswith(f"{prefix}/{name}/") for prefix in self._prefixes for name in _OF_PREFIX):
            return False
        workdir = self.config.config.working_dir.strip("/")
        is_working = "/" in workdir and path.startswith(f"{workdir}/")
        return is_working or path.startswith("usr/src/") or path.partition("/")[0] not in _SYSTEM

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        """The roots of virtual and conda environments."""
        return frozenset(posixpath.dirname(path) for path in self.items if path.endswith(_PREFIX_MARKS))

    @cached_property
    def _visible(self) -> frozenset[tuple[int, int]]:
        numbers = {id(layer): index for index, layer in enumerate(self.layers)}
        sources = (node.member for _, node in self.tree.walk() if node.member is not None)
        return frozenset((numbers[id(layer)], member.number) for layer, member in sources)


def _is_file(member: StoredMember) -> bool:
    return member.kind is Kind.FILE and not member.path.rpartition("/")[2].startswith(WHITEOUT)


_OF_PREFIX = ("bin", "conda-meta", "include", "lib", "libexec", "pkgs", "share")


def check_platform(image: Image) -> None:
    """Insist on a platform whose programs are known.

    Raises:
        UsageError: for another one.

    """
    made_for = f"{image.config.os}/{image.config.architecture}"
    try:
        parse_platform(made_for)
    except UsageError:
        raise UsageError(
            f"the image is for {made_for}, whose programs are not known",
            where=image.descriptor.digest,
            hint="images for linux/amd64 and linux/arm64 are verified; of an index `--platform` chooses one",
        ) from None


def open_contents(image: Image, *, cache: Path, reporter: Reporter, unpack: bool = False) -> Contents:
    """Read what the cache does not know yet, and merge the layers; with `unpack`, unpack them on the way.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    known = know_layers(image.layers, cache=cache, reporter=reporter, unpack=unpack)
    layers, scans = tuple(each.layer for each in known), tuple(each.facts.scan for each in known)
    return stack_contents(image.config, layers, scans, files_of(image, known, cache=cache, reporter=reporter))


def files_of(image: Image, known: Iterable[KnownLayer], *, cache: Path, reporter: Reporter) -> FactFiles:
    """Answer from the facts of layers; one that has to be read after all is unpacked."""
    sources = {layer.diff_id: layer for layer in image.layers}

    def unpack(layer: StoredLayer) -> None:
        layer_store(cache).get_all([sources[layer.diff_id]], reporter)

    return FactFiles({each.layer.diff_id: each.facts for each in known}, unpack)


def stack_contents(
    config: ImageConfig, layers: tuple[StoredLayer, ...], scans: tuple[LayerScan, ...], reader: Files
) -> Contents:
    """Merge layers, lowest first; `reader` answers what neither listings nor scans say.

    Raises:
        IntegrityError: they are hostile.

    """
    numbers = {id(layer): index for index, layer in enumerate(layers)}
    tree = stacked(list(layers))
    items: dict[str, Item] = {}
    for path, node in tree.walk():
        if node.member is None:
            items[path] = Item(path, node.kind, 0o755, 0, node.target, None)
            continue
        layer, member = node.member
        scan = scans[numbers[id(layer)]]
        is_file = node.kind is Kind.FILE
        items[path] = Item(
            path,
            node.kind,
            member.mode,
            member.size,
            node.target,
            (layer, member) if is_file else None,
            scan.elf.get(member.number) if is_file else None,
            member.uid,
            node.layer,
            scan.digests.get(member.number, b""),
            scan.bytecode.get(member.number),
            scan.times.get(member.number, 0),
            member.capability,
        )
    return Contents(config, tree, items, sum(layer.unpacked for layer in layers), layers, scans, reader)
