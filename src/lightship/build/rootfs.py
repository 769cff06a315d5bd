"""The unpacked root of an image, kept for running it."""

from __future__ import annotations

import os
from pathlib import Path

from lightship.build.folders import making
from lightship.build.layerstore import LayerStore, StoredLayer, StoredMember
from lightship.digest import hex_of
from lightship.events import Reporter
from lightship.fs.entries import Kind
from lightship.fs.paths import normalise
from lightship.oci.model import Image
from lightship.oci.overlay import Overlay

Source = tuple[StoredLayer, StoredMember]
Tree = Overlay[Source | None]
MOUNT_DIRECTORIES = ("dev", "proc", "run", "sys", "tmp", "var/tmp")
MOUNT_FILES = ("etc/hosts", "etc/resolv.conf")
_LAYOUT = "1"
"""Part of the folder's name: raised when roots are laid out in another way."""


def layer_store(cache: Path) -> LayerStore:
    return LayerStore(cache / "roots" / "layers")


def stacked(layers: list[StoredLayer]) -> Tree:
    """Lay layers over each other, lowest first."""
    tree: Tree = Overlay()
    for layer in layers:
        for member in layer.members:
            tree.place(member.path, member.kind, member.target, (layer, member))
        tree.next_layer()
    return tree


def kept_root(image: Image, *, cache: Path) -> Path | None:
    """Return the folder of an image's root if it was prepared before."""
    root = _root(image, cache)
    return root if root.is_dir() else None


def prepare_root(image: Image, *, cache: Path, reporter: Reporter) -> Path:
    """Return the folder that holds the image's root: made once, shared by every run, never written to.

    Owners are not kept, and needs no root. What the sandbox mounts over is there, as in any container: empty
    directories for `/proc`, `/tmp` and the like, empty files for `/etc/hosts` and `/etc/resolv.conf`.

    Raises:
        IntegrityError: a layer is damaged or hostile.
        StageError: the disk is full or the cache cannot be written.

    """
    final = _root(image, cache)
    if final.is_dir():
        return final
    tree = stacked(layer_store(cache).get_all(image.layers, reporter))
    with making(final) as building:
        _lay_out(_completed(tree, image.config.config.working_dir), building)
        building.chmod(0o755)
    return final


def _root(image: Image, cache: Path) -> Path:
    return cache / "roots" / "images" / f"{hex_of(image.manifest.config.digest)}-{_LAYOUT}"


def _completed(tree: Tree, working_dir: str) -> Tree:
    """Add what the engines add: the mount points, and the working directory where no layer has it."""
    for path in MOUNT_DIRECTORIES:
        tree.place(path, Kind.DIRECTORY, "", None)
    for path in MOUNT_FILES:
        tree.place(path, Kind.FILE, "", None)
    folder = normalise(working_dir.lstrip("/"), archive="WorkingDir")
    if tree.find(folder) is None:
        tree.place(folder, Kind.DIRECTORY, "", None)
    return tree


def _lay_out(tree: Tree, folder: Path) -> None:
    """Link every file to where it lies in its layer: a second per 30,000 files, and no second copy."""
    closed: list[tuple[Path, int]] = []
    for path, node in tree.walk():
        where = folder / path
        if node.kind is Kind.DIRECTORY:
            where.mkdir()
            mode = 0o755 if node.member is None else node.member[1].mode
            closed.append((where, mode & 0o777 | 0o700))
        elif node.kind is Kind.SYMLINK:
            where.symlink_to(node.target)
        elif node.kind is Kind.SPECIAL:
            continue  # only root makes device nodes, and the sandbox has a `/dev` of its own
        elif node.member is None:
            where.touch(0o644)
        else:
            layer, member = node.member
            os.link(layer.file(member), where)
    for where, mode in closed:
        where.chmod(mode)
