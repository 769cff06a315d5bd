"""What has to be known of an image before anything is built on it: read once, ever."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from lightship.build.basepython import find_libc, find_pythons
from lightship.build.cache import Memo
from lightship.build.images import ImageSource
from lightship.build.imagetree import ImageTree, open_tree
from lightship.build.machine import Machine
from lightship.build.remote import bring
from lightship.debs.model import InstalledDeb
from lightship.digest import Digest, of_value
from lightship.elf import MAGIC
from lightship.errors import UsageError
from lightship.fs.entries import Kind
from lightship.loader import parse_cache
from lightship.oci.model import MEDIA_LAYER_GZIP, MEDIA_LAYER_TAR, MEDIA_LAYER_ZSTD, Execution, Image
from lightship.oci.record import LayerRecord
from lightship.plan.base import BaseFacts, SizedFile
from lightship.plan.planner import PREFIX
from lightship.platform import Platform
from lightship.registry.remote import RemoteImage

RULES = 1
"""Part of every key: raised when other facts are read."""
_CUDA = re.compile(
    r"lib(cudart|cublas|cublasLt|cudnn\w*|cufft\w*|curand|cusolver\w*|cusparse\w*|nccl|nvrtc|nvrtc-builtins"
    r"|npp\w*|nvJitLink|nvinfer\w*|cupti)\.so(\.[0-9.]+)?"
)
_DEPTH = 2
_LAYERS = (MEDIA_LAYER_GZIP, MEDIA_LAYER_ZSTD, MEDIA_LAYER_TAR)
_DISTRIBUTIONS = ("site-packages", "dist-packages")
_ELF_MACHINES = {"amd64": b"\x3e\x00", "arm64": b"\xb7\x00"}  # e_machine: EM_X86_64, EM_AARCH64


class ReadImage(msgspec.Struct, frozen=True):
    """An image to build on: its layers, how it is started, and what its tree says."""

    layers: tuple[LayerRecord, ...]
    execution: Execution
    facts: BaseFacts


class _Library(NamedTuple):
    name: str
    path: str


def read_pinned(source: ImageSource, digest: Digest, platform: Platform, machine: Machine) -> ReadImage:
    """Unpack and read an image; remembered under the digest of its manifest.

    Raises:
        UsageError: a layer is of no type of the OCI image specification.
        NetworkError: a layer is in a registry, and cannot be fetched.
        IntegrityError: a layer is missing, damaged or hostile.
        StageError: the cache cannot be written.

    """
    memo = Memo(machine.home.cache / "bases")
    key = of_value([RULES, digest, str(platform)])
    return memo.get_or_make(key, ReadImage, lambda: _read(source.pinned(digest), platform, machine))


def _read(image: Image, platform: Platform, machine: Machine) -> ReadImage:
    if isinstance(image, RemoteImage):  # its layers will be the built image's, too
        image = machine.home.images.image(bring(image, machine).descriptor)
    _check_layers(image)
    tree = open_tree(image, cache=machine.home.cache, reporter=machine.reporter)
    execution = image.config.config
    layers = tuple(
        LayerRecord(layer.descriptor, layer.diff_id, stored.unpacked)
        for layer, stored in zip(image.layers, tree.layers, strict=True)
    )
    return ReadImage(layers, execution, read_facts(tree, execution.environment, platform))


def _check_layers(image: Image) -> None:
    """Refuse layers that may not stand in a manifest of the OCI image specification beside ours."""
    for layer in image.layers:
        if layer.descriptor.media_type not in _LAYERS:
            raise UsageError(
                f"the base has a layer of type {layer.descriptor.media_type}",
                where=layer.descriptor.digest,
                hint="convert the image: `skopeo copy --format oci`",
            )


def read_facts(tree: ImageTree, environ: Mapping[str, str], platform: Platform) -> BaseFacts:
    """Read a tree whose processes have these variables."""
    cached = [_Library(*item) for item in parse_cache(_bytes(tree, "etc/ld.so.cache")).items()]
    cached = [library for library in cached if _is_native(tree, library.path, platform)]
    system = _loader_folders(platform)
    folders = (*_folders(environ, "LD_LIBRARY_PATH"), *system)
    libc, glibc = find_libc(tree, system, platform)
    release = _release(tree.text("etc/os-release") or tree.text("usr/lib/os-release"))
    return BaseFacts(
        pythons=find_pythons(tree, _folders(environ, "PATH"), platform),
        libc=libc,
        glibc=glibc,
        os_id=release.get("ID", ""),
        os_version=release.get("VERSION_ID", ""),
        codename=release.get("VERSION_CODENAME", ""),
        users=tree.text("etc/passwd"),
        groups=tree.text("etc/group"),
        packages=_packages(tree, platform),
        libraries=tuple(sorted({each.name for each in (*cached, *_libraries(tree, folders, platform))})),
        cached=tuple(cached),
        links=_links(tree),
        cuda=_cuda(tree),
        has_environment=tree.real(PREFIX) is not None,
    )


def _folders(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(part.strip("/") for part in environ.get(variable, "").split(":") if part.startswith("/"))


def _loader_folders(platform: Platform) -> tuple[str, ...]:
    """Folders that are built into the loaders of Debian and of Red Hat (ld.so(8))."""
    triplet = platform.multiarch
    return (f"lib/{triplet}", f"usr/lib/{triplet}", "lib64", "usr/lib64", "lib", "usr/lib")


def _libraries(tree: ImageTree, folders: tuple[str, ...], platform: Platform) -> Iterator[_Library]:
    for folder in folders:
        for name in tree.names(folder):
            if ".so" in name and _is_native(tree, f"{folder}/{name}", platform):
                yield _Library(name, f"/{folder}/{name}")


def _is_native(tree: ImageTree, path: str, platform: Platform) -> bool:
    """Look at the header alone: the loader passes over libraries for other machines (System V gABI)."""
    file = tree.file(path)
    if file is None:
        return False
    with file.open("rb", buffering=64) as stream:
        head = stream.read(20)
    return head.startswith(MAGIC + b"\x02") and head[18:20] == _ELF_MACHINES[platform.architecture]


def _release(text: str) -> dict[str, str]:
    """Read os-release(5), of which only plain values are wanted."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _packages(tree: ImageTree, platform: Platform) -> tuple[InstalledDeb, ...]:
    from lightship.debs.status import read_status

    folder = "var/lib/dpkg/status.d"
    names = (name for name in tree.names(folder) if not name.endswith(".md5sums"))
    texts = [tree.text("var/lib/dpkg/status"), *(tree.text(f"{folder}/{name}") for name in names)]
    return read_status(texts, platform.debian)


def _links(tree: ImageTree) -> dict[str, str]:
    """Find folders that are symlinks: an upper layer's folder would take such a link's place."""
    links = (
        path for path, node in tree.tree.walk() if node.kind is Kind.SYMLINK and path.count("/") < _DEPTH
    )
    return {path: tree.real(path) or "" for path in links if tree.is_folder(path)}


def _bytes(tree: ImageTree, path: str) -> bytes:
    file = tree.file(path)
    return file.read_bytes() if file is not None else b""


def _cuda(tree: ImageTree) -> tuple[SizedFile, ...]:
    found = [
        SizedFile(path, size)
        for path, size in tree.sizes()
        if _CUDA.fullmatch(posixpath.basename(path)) and not set(path.split("/")).intersection(_DISTRIBUTIONS)
    ]
    return tuple(sorted(found, key=lambda file: (-file.size, file.path)))
