"""Unpacks layers and images to folders (OCI image spec, layer.md, "Applying Changesets")."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from lightship.digest import hex_of
from lightship.errors import IntegrityError, UsageError
from lightship.events import Reporter, SilentTask, Task
from lightship.fs.atomic import storage_error
from lightship.fs.decompress import decompress
from lightship.fs.entries import Kind
from lightship.fs.untar import Member, read_tar
from lightship.oci.model import Image, Layer
from lightship.oci.overlay import Overlay, Placement


@dataclass(frozen=True, slots=True)
class Limits:
    """What a layer may come to before it is taken for a bomb.

    Up to `free` bytes nothing is asked; above them its tar may be `ratio` times as large as its blob. It may
    hold `members` at most.
    """

    free: int = 1 << 30
    ratio: int = 100
    members: int = 1_000_000


LIMITS = Limits()


class LayerReader:
    """A layer's members, to be read once; blob digest and diff ID are checked when the end is reached.

    Args:
        layer: the layer.
        task: advanced by the compressed bytes read.
        special: whether to give device nodes and FIFOs, too, which are refused otherwise.

    """

    def __init__(self, layer: Layer, task: Task, *, special: bool = False) -> None:
        self._layer = layer
        self._task = task
        self._special = special
        self._read = 0
        self._state = hashlib.sha256()
        self.unpacked = 0
        """Bytes of the tar that were read so far."""

    def __iter__(self) -> Iterator[Member]:
        """Yield the members; raises IntegrityError if the layer is damaged, hostile, or another one."""
        archive = self._archive
        blob = decompress(self._counted(), self._layer.descriptor.media_type, archive=archive)
        for number, member in enumerate(read_tar(self._hashed(blob), archive=archive, special=self._special)):
            if number >= LIMITS.members:
                self._refuse(f"holds more than {LIMITS.members:,} files")
            yield member
        if self._state.hexdigest() != hex_of(self._layer.diff_id):
            raise IntegrityError(
                "the layer's content is not what the image's configuration says",
                where=archive,
                hint="build or fetch the image again",
            )

    def _counted(self) -> Iterator[bytes]:
        for chunk in self._layer.chunks():
            self._task.advance(len(chunk))
            self._read += len(chunk)
            yield chunk

    def _hashed(self, tar: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in tar:
            self._state.update(chunk)
            self.unpacked += len(chunk)
            if self.unpacked > max(LIMITS.free, LIMITS.ratio * self._read):
                self._refuse(f"unpacks to more than {LIMITS.ratio} times its size")
            yield chunk

    @property
    def _archive(self) -> str:
        return f"layer {hex_of(self._layer.descriptor.digest)[:12]}"

    def _refuse(self, what: str) -> NoReturn:
        raise IntegrityError(
            f"the layer {what}, as a decompression bomb does",
            where=self._archive,
            hint="do not use the image; what layers may come to is in docs/verify.md",
        )


def unpack_layer(layer: Layer, folder: Path, *, as_root: bool) -> None:
    """Unpack one layer by itself to an empty folder; its whiteouts hide nothing there.

    Raises:
        IntegrityError: the layer is damaged or hostile; what was unpacked so far is left behind.

    """
    _unpack([LayerReader(layer, SilentTask())], folder, as_root=as_root)


def unpack_image(image: Image, folder: Path, *, reporter: Reporter, as_root: bool) -> None:
    """Unpack an image's root to `folder`, which appears whole or not at all.

    Modes and time stamps are kept, set-user-ID bits too; owners only `as_root`.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        UsageError: `folder` has something in it.
        StageError: the disk is full or the folder cannot be written.

    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(
            "the folder to unpack to is not empty", where=str(folder), hint="name another, or empty it first"
        )
    total = sum(layer.descriptor.size for layer in image.layers)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-rootfs-"))
        try:
            with reporter.task("unpacking", total) as task:
                _unpack((LayerReader(layer, task) for layer in image.layers), building, as_root=as_root)
            building.chmod(0o755)
            building.rename(folder)
        except BaseException:
            remove_tree(building)
            raise
    except OSError as error:
        raise storage_error(error, folder) from error


def remove_tree(folder: Path) -> None:
    """Remove a folder, even where an image's modes forbid it to its owner."""
    for path, names, _ in os.walk(folder):
        Path(path).chmod(0o700)
        for name in names:
            child = Path(path, name)
            if not child.is_symlink():
                child.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _unpack(layers: Iterable[Iterable[Member]], folder: Path, *, as_root: bool) -> None:
    overlay: Overlay[Member] = Overlay()
    writer = _Writer(folder, as_root=as_root)
    for members in layers:
        for member in members:
            place = overlay.place(member.path, member.kind, member.target, member)
            writer.carry_out(member, place)
        overlay.next_layer()
    directories = [(path, node.member) for path, node in overlay.walk() if node.kind is Kind.DIRECTORY]
    for path, made_by in reversed(directories):
        if made_by is not None:
            writer.finish_directory(path, made_by)


class _Writer:
    """Writes below one folder, to paths that the overlay resolved: no part of them is a symlink."""

    def __init__(self, folder: Path, *, as_root: bool) -> None:
        self._root = folder
        self._as_root = as_root

    def carry_out(self, member: Member, place: Placement) -> None:
        for path in place.removed:
            _remove(self._root / path)
        for path in place.created:
            (self._root / path).mkdir()
        if place.path:
            self._write(member, place, self._root / place.path)

    def finish_directory(self, path: str, member: Member) -> None:
        """Set what must wait until nothing is written to the directory any more."""
        where = self._root / path
        if self._as_root:
            os.chown(where, member.uid, member.gid)
        where.chmod(member.mode)
        os.utime(where, (member.mtime, member.mtime))

    def _write(self, member: Member, place: Placement, where: Path) -> None:
        if member.kind is Kind.FILE:
            self._file(member, where)
        elif member.kind is Kind.HARDLINK:
            os.link(self._root / place.target, where)
        elif member.kind is Kind.SYMLINK:
            self._symlink(member, where)
        else:
            where.mkdir(exist_ok=True)

    def _file(self, member: Member, where: Path) -> None:
        handle = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            for chunk in member.chunks():
                write_all(handle, chunk)
            if self._as_root:
                os.fchown(handle, member.uid, member.gid)
            os.fchmod(handle, member.mode)  # after the change of owner, which clears set-user-ID
            os.utime(handle, (member.mtime, member.mtime))
        finally:
            os.close(handle)

    def _symlink(self, member: Member, where: Path) -> None:
        where.symlink_to(member.target)
        if self._as_root:
            os.chown(where, member.uid, member.gid, follow_symlinks=False)
        os.utime(where, (member.mtime, member.mtime), follow_symlinks=False)


def write_all(handle: int, data: bytes) -> None:
    """Write every byte: write(2) may take fewer than it is given."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _remove(where: Path) -> None:
    if where.is_dir() and not where.is_symlink():
        shutil.rmtree(where)
    else:
        where.unlink()
