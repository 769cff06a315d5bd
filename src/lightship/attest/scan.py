"""The few files of an image that say what is in it, read from its layers without unpacking them.

A layer is read once, ever: what it has is remembered under its diff ID, and stacked anew for each image.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lightship.build.cache import Memo
from lightship.build.layerstore import StoredLayer, StoredMember
from lightship.build.rootfs import layer_store
from lightship.digest import Digest, of_value
from lightship.errors import IntegrityError
from lightship.events import Reporter, Task
from lightship.fs.entries import Kind
from lightship.fs.untar import Member
from lightship.inspect.here import Reader, UnpackedFiles, is_far
from lightship.inspect.seeing import Seen
from lightship.inspect.telling import LARGEST, MOST
from lightship.oci.model import Image, Layer
from lightship.oci.overlay import Overlay
from lightship.oci.unpack import LayerReader

_RULES = 1
"""Part of every key: raised when other files are kept."""
_WORKERS = 4
_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info")
_RECORD = ".dist-info/RECORD"
_STATUS = "var/lib/dpkg/status"
_RELEASES = ("etc/os-release", "usr/lib/os-release")


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """A member of a layer; `data` has the bytes of a file that is read, of a RECORD their SHA-256."""

    path: str
    kind: Kind
    target: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """The files that say what is in an image, by path, as they are seen from above."""

    tree: Overlay[Trace]
    files: dict[str, bytes]

    def read(self, path: str) -> bytes:
        """Give a file's bytes, symlinks followed within the image; none where there is none."""
        found = self.tree.find(path)
        return self.files.get(found[0], b"") if found is not None else b""

    def text(self, path: str) -> str:
        return self.read(path).decode("utf-8", "replace")

    def metadata(self) -> Iterator[str]:
        """Yield the path of the metadata of each Python distribution, sorted."""
        yield from sorted(path for path in self.files if _is_metadata(path))

    def statuses(self) -> Iterator[str]:
        """Yield the path of each file in which dpkg, or who imitates it, tells what is installed."""
        yield from sorted(path for path in self.files if path == _STATUS or path.startswith(f"{_STATUS}.d/"))

    def release(self) -> str:
        """Give the text of os-release(5)."""
        return next((text for path in _RELEASES if (text := self.text(path))), "")


def read_documents(image: Image, *, cache: Path, reporter: Reporter) -> Documents:
    """Read those layers that were not read before, and stack all.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        NetworkError: a layer of a registry cannot be fetched.

    """
    memo = Memo(cache / "documents")
    keys = {layer.diff_id: _key(layer.diff_id) for layer in image.layers}
    known = {diff_id: memo.get(key, tuple[Trace, ...]) for diff_id, key in keys.items()}
    for layer in _unpacked(
        [layer for layer in image.layers if known[layer.diff_id] is None], cache, reporter
    ):
        known[layer.diff_id] = traces = _listed(layer, UnpackedFiles())
        memo.put(keys[layer.diff_id], traces)
    missing = {layer.diff_id: layer for layer in image.layers if known[layer.diff_id] is None}
    if missing:
        total = sum(layer.descriptor.size for layer in missing.values())
        with reporter.task("reading layers", total) as task, ThreadPoolExecutor(_WORKERS) as pool:
            found = pool.map(lambda layer: _scan(layer, task), missing.values())
            for diff_id, traces in zip(missing, found, strict=True):
                memo.put(keys[diff_id], traces)
                known[diff_id] = traces
    return _stacked([known[layer.diff_id] or () for layer in image.layers])


def are_known(image: Image, *, cache: Path) -> bool:
    """Tell whether what an image's layers say can be had without a registry."""
    memo, store = Memo(cache / "documents"), layer_store(cache)
    return not any(
        is_far(layer, store) and memo.get(_key(layer.diff_id), tuple[Trace, ...]) is None
        for layer in image.layers
    )


def documents_seen(seen: Seen) -> Documents:
    """Read the same from what is known of an image.

    Raises:
        UntoldError: that is not enough.

    """
    return _stacked([_listed(layer, seen.files) for layer in seen.layers])


def _key(diff_id: Digest) -> Digest:
    return of_value(["documents", _RULES, diff_id])


def _unpacked(layers: list[Layer], cache: Path, reporter: Reporter) -> list[StoredLayer]:
    store = layer_store(cache)
    return store.get_all([layer for layer in layers if store.has(layer.diff_id)], reporter)


def _listed(layer: StoredLayer, files: Reader) -> tuple[Trace, ...]:
    return tuple(
        Trace(member.path, member.kind, member.target, _told(layer, member, files))
        for member in layer.members
    )


def _told(layer: StoredLayer, member: StoredMember, files: Reader) -> bytes | None:
    if member.kind is not Kind.FILE or member.size > LARGEST:
        return None
    if member.path.endswith(_RECORD):
        return files.digest((layer, member)).hex().encode()
    return files.read((layer, member)) if is_told(member.path) else None


def _stacked(layers: list[tuple[Trace, ...]]) -> Documents:
    tree: Overlay[Trace] = Overlay()
    for traces in layers:
        for trace in traces:
            tree.place(trace.path, trace.kind, trace.target, trace)
        tree.next_layer()
    files = {
        path: node.member.data
        for path, node in tree.walk()
        if node.member is not None and node.kind is Kind.FILE and node.member.data is not None
    }
    return Documents(tree, files)


def _scan(layer: Layer, task: Task) -> tuple[Trace, ...]:
    traces, kept = [], 0
    for member in LayerReader(layer, task):
        trace = _trace(member)
        kept += len(trace.data or b"")
        if kept > MOST:
            raise IntegrityError(
                f"the layer has more than {MOST >> 20} MiB of packages' metadata",
                where=layer.descriptor.digest,
                hint="it is no image that anybody should use",
            )
        traces.append(trace)
    return tuple(traces)


def _trace(member: Member) -> Trace:
    data = None
    if member.kind is Kind.FILE and member.size <= LARGEST:
        if member.path.endswith(_RECORD):
            data = hashlib.sha256(b"".join(member.chunks())).hexdigest().encode()
        elif is_told(member.path):
            data = b"".join(member.chunks())
    return Trace(member.path, member.kind, member.target, data)


def is_told(path: str) -> bool:
    """Tell whether a file says what is in the image; of RECORD the digest does, and that is no reading."""
    folder, name = posixpath.split(path)
    if folder == f"{_STATUS}.d":
        return not name.endswith(".md5sums")
    if name == "copyright":
        return posixpath.dirname(folder) == "usr/share/doc"
    return path in (_STATUS, *_RELEASES) or _is_metadata(path)


def _is_metadata(path: str) -> bool:
    return path.endswith(_METADATA)
