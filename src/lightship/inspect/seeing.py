"""An image as `inspect`, `diff` and `sbom` see it: from its layers, or from what a registry tells of them.

Of an image in a registry, layers that are not here may stay where they are: a scan that is attached to it
tells of all of them (`inspect/attached.py`), and an eStargz layer has a table of contents of its own
(`inspect/tables.py`). What is seen says what it is seen through; whoever asks for more than is told gets the
layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from lightship.build.imagetree import ImageTree
from lightship.build.layerstore import StoredLayer
from lightship.build.rootfs import layer_store, stacked
from lightship.digest import Digest
from lightship.elf import ElfInfo
from lightship.errors import IntegrityError, NetworkError
from lightship.events import Reporter
from lightship.inspect.answers import File, LayerFiles, UntoldError
from lightship.inspect.attached import Attached
from lightship.inspect.basis import documents, is_far, tell, told_layers
from lightship.inspect.findings import Basis
from lightship.inspect.reading import read_layers
from lightship.inspect.scan import LayerScan, scan_layers
from lightship.inspect.tables import TableFiles, Wanted, open_tables
from lightship.inspect.telling import tells_packages
from lightship.oci.model import Image
from lightship.registry.remote import RemoteImage, RemoteLayer

Result = TypeVar("Result")


class Reader(Protocol):
    """Gives what is in files of layers; each may raise `UntoldError`."""

    def read(self, file: File) -> bytes:
        """Give a small file's bytes."""

    def digest(self, file: File) -> bytes:
        """Give a file's SHA-256."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An image, and what it is seen through.

    `elves` are what ELF files need, by layer and number in its listing, as far as that is known. `here` are
    the layers whose files are on this machine; `files` knows of all.
    """

    basis: Basis
    tree: ImageTree
    elves: tuple[Mapping[int, ElfInfo], ...] = field(repr=False)
    files: Reader
    here: frozenset[Digest]

    @property
    def layers(self) -> list[StoredLayer]:
        return self.tree.layers


def look(
    image: Image,
    use: Callable[[Seen], Result],
    *,
    cache: Path,
    reporter: Reporter,
    full: bool = False,
) -> Result:
    """Use an image as it can be seen with least effort; if that does not tell enough, with more.

    With `full`, it is seen through its layers alone.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the cache cannot be written.
        NetworkError: a layer is in a registry, and cannot be fetched.

    """
    if not full and (known := look_cheaply(image, use, cache=cache, reporter=reporter)) is not None:
        return known
    layers, scans = read_layers(image.layers, cache=cache, reporter=reporter)
    here = frozenset(layer.diff_id for layer in layers)
    return use(_seen(Basis.LAYERS, layers, [scan.elf for scan in scans], LayerFiles(), here))


def look_cheaply(
    image: Image,
    use: Callable[[Seen], Result],
    *,
    cache: Path,
    reporter: Reporter,
    wanted: Wanted = tells_packages,
) -> Result | None:
    """Use an image by what its registry tells of layers that are not here; None where that is not enough.

    `wanted` says by its path of a file whether it will be read.

    Raises:
        StageError: the cache cannot be written.

    """
    store = layer_store(cache)
    if not isinstance(image, RemoteImage) or not any(is_far(layer, store) for layer in image.layers):
        return None
    for seen in _sights(image, wanted, cache, reporter):
        try:
            return use(seen)
        except UntoldError as error:
            tell(reporter, error)
    return None


def _sights(image: RemoteImage, wanted: Wanted, cache: Path, reporter: Reporter) -> Iterator[Seen]:
    """Yield what can be seen without far layers: by a scan, which tells more, then by their tables."""
    for attached in documents(image, reporter):
        try:
            seen = _through_scan(attached, image, cache, reporter)
        except IntegrityError as error:
            tell(reporter, error)
        else:
            yield seen
    try:
        tables = _through_tables(image, wanted, cache, reporter)
    except (IntegrityError, NetworkError) as error:
        reporter.warn(f"the layers' tables of contents are not used, and the layers are read: {error}")
        return
    if tables is not None:
        yield tables


def _through_scan(attached: Attached, image: RemoteImage, cache: Path, reporter: Reporter) -> Seen:
    layers, scans, files = told_layers(attached, image, cache, reporter)
    for layer, scan in zip(layers, scans, strict=True):
        for number, digest in scan.digests.items():
            files.answers.digests.setdefault((layer.diff_id, number), digest)
    return _seen(Basis.SCAN, list(layers), [scan.elf for scan in scans], files, files.here)


def _through_tables(image: RemoteImage, wanted: Wanted, cache: Path, reporter: Reporter) -> Seen | None:
    """Read the tables of layers that have some, and those layers that have none."""
    store = layer_store(cache)
    far = [layer for layer in image.layers if isinstance(layer, RemoteLayer) and is_far(layer, store)]
    tables = open_tables(far, wanted, cache=cache, reporter=reporter)
    if not tables:
        return None
    near = store.get_all([layer for layer in image.layers if layer.diff_id not in tables], reporter)
    known = zip(near, scan_layers(near, cache=cache), strict=True)
    # One layer may be there twice, and each time is another object: that is how it is told from itself.
    pairs = [
        (tables[layer.diff_id].listing(), LayerScan()) if layer.diff_id in tables else next(known)
        for layer in image.layers
    ]
    here = frozenset(layer.diff_id for layer in near)
    elves = [scan.elf for _, scan in pairs]
    return _seen(Basis.TABLES, [layer for layer, _ in pairs], elves, TableFiles(tables, here), here)


def _seen(
    basis: Basis,
    layers: list[StoredLayer],
    elves: Sequence[Mapping[int, ElfInfo]],
    files: Reader,
    here: frozenset[Digest],
) -> Seen:
    return Seen(basis, ImageTree(layers, stacked(layers), files.read), tuple(elves), files, here)
