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
from typing import TypeVar

from lightship.build.imagetree import ImageTree
from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.build.rootfs import layer_store, stacked
from lightship.digest import Digest
from lightship.elf import ElfInfo
from lightship.errors import IntegrityError, NetworkError
from lightship.events import Reporter
from lightship.inspect.answers import Answers, File, UntoldError
from lightship.inspect.attached import Attached
from lightship.inspect.basis import documents, tell
from lightship.inspect.findings import Basis
from lightship.inspect.here import Reader, UnpackedFiles, is_far
from lightship.inspect.reading import read_layers
from lightship.inspect.scan import LayerScan
from lightship.inspect.tables import TableFiles, Wanted, open_tables
from lightship.inspect.telling import tells_packages
from lightship.oci.model import Image, Layer
from lightship.registry.remote import RemoteImage, RemoteLayer

Result = TypeVar("Result")
_Known = tuple[StoredLayer, LayerScan]


@dataclass(frozen=True, slots=True)
class _ScanFiles:
    """Files of layers that are `here`, and what a scan says of others."""

    here: frozenset[Digest]
    answers: Answers
    scans: Mapping[Digest, LayerScan]

    def read(self, file: File) -> bytes:
        layer, member = file
        if layer.diff_id in self.here:
            return UnpackedFiles().read(file)
        return _told(self.answers.texts.get((layer.diff_id, member.number)), member)

    def digest(self, file: File) -> bytes:
        layer, member = file
        if layer.diff_id in self.here:
            return UnpackedFiles().digest(file)
        installed = self.scans[layer.diff_id].digests.get(member.number)
        return _told(installed or self.answers.digests.get((layer.diff_id, member.number)), member)


def _told(found: bytes | None, member: StoredMember) -> bytes:
    if found is None:
        raise UntoldError(f"it does not say what is in {member.path}")
    return found


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
    if not full and (cheap := look_cheaply(image, use, cache=cache, reporter=reporter)) is not None:
        return cheap
    known = tuple(_near(image.layers, cache, reporter))
    here = frozenset(layer.diff_id for layer, _ in known)
    return use(_seen(Basis.LAYERS, known, UnpackedFiles(), here))


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
    store = layer_store(cache)
    far = [is_far(layer, store) for layer in image.layers]
    near = _near([layer for layer, away in zip(image.layers, far, strict=True) if not away], cache, reporter)
    told = zip(attached.layers, attached.scans, strict=True)
    # One layer may be there twice, and each time is another object: that is how it is told from itself.
    pairs = [each if away else next(near) for away, each in zip(far, told, strict=True)]
    here = frozenset(layer.diff_id for layer, away in zip(image.layers, far, strict=True) if not away)
    scans = {layer.diff_id: scan for layer, scan in pairs}
    return _seen(Basis.SCAN, pairs, _ScanFiles(here, attached.answers, scans), here)


def _through_tables(image: RemoteImage, wanted: Wanted, cache: Path, reporter: Reporter) -> Seen | None:
    """Read the tables of layers that have some, and those layers that have none."""
    store = layer_store(cache)
    far = [layer for layer in image.layers if isinstance(layer, RemoteLayer) and is_far(layer, store)]
    tables = open_tables(far, wanted, cache=cache, reporter=reporter)
    if not tables:
        return None
    others = [layer for layer in image.layers if layer.diff_id not in tables]
    near = _near(others, cache, reporter)
    pairs = [
        (tables[layer.diff_id].listing(), LayerScan()) if layer.diff_id in tables else next(near)
        for layer in image.layers
    ]
    here = frozenset(layer.diff_id for layer in others)
    return _seen(Basis.TABLES, pairs, TableFiles(tables, here), here)


def _near(layers: Sequence[Layer], cache: Path, reporter: Reporter) -> Iterator[_Known]:
    found = read_layers(layers, cache=cache, reporter=reporter)
    return zip(found.layers, found.scans, strict=True)


def _seen(basis: Basis, known: Sequence[_Known], files: Reader, here: frozenset[Digest]) -> Seen:
    layers = [layer for layer, _ in known]
    tree = ImageTree(layers, stacked(layers), files.read)
    return Seen(basis, tree, tuple(scan.elf for _, scan in known), files, here)
