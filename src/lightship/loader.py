"""Where the dynamic loader finds what an ELF file needs, in a tree that is not mounted (ld.so(8)).

auditwheel's `lddtree` is the model; unlike it, whole images are looked at, so a library may also be satisfied
by one of the same SONAME that the process has loaded before.
"""

from __future__ import annotations

import fnmatch
import posixpath
import struct
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lightship.elf import ElfInfo

DRIVER_LIBRARIES = (
    "libcuda.so.*",
    "libcudadebugger.so.*",
    "libnvcuvid.so.*",
    "libnvidia-*.so.*",
    "libnvoptix.so.*",
)
"""What the NVIDIA container runtime mounts from the host's driver: no image holds it."""
OPTIONAL_PARTS = (
    "/lib-dynload/",  # CPython builds what it can; tkinter and curses are left without their libraries
    "/numba/np/ufunc/",  # one of three threading layers is chosen
    "/nvidia/nvshmem/",  # transports over InfiniBand, EFA and UCX are tried in turn
    "/nvidia/cufile/",  # GPUDirect Storage over RDMA
)
"""Folders of parts that are tried, and done without where a library is missing."""
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A library that the file at `path` needs and the loader does not find.

    `provider` is a file of the image with that name, which something else may load first; empty if there is
    none.
    """

    path: str
    name: str
    provider: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Outdated:
    """Versions of symbols that the file at `path` wants, and that the library which it gets does not have."""

    path: str
    library: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """One library that a file needs, in one process; `library` is what it gets there, empty for none."""

    user: str
    name: str
    library: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An ELF file as a process has it: the path it was found by, and who asked for it."""

    path: str
    info: ElfInfo
    parent: _Loaded | None = None


@dataclass(frozen=True)
class Loader:
    """The loader's rules over one tree.

    Args:
        find: follows symlinks within the tree; real path of what is at a path, or None.
        files: every ELF file by its real path.
        library_path: folders of the image's `LD_LIBRARY_PATH`.
        cache: the tree's `ld.so.cache`, a path by each name.
        machine: what `uname -m` says there, such as `x86_64`.

    """

    find: Callable[[str], str | None]
    files: Mapping[str, ElfInfo]
    library_path: tuple[str, ...]
    cache: Mapping[str, str]
    machine: str

    def missing(self) -> list[Missing]:
        """Name each library that no process could find, whichever file of the tree it starts from."""
        found = {(need.user, need.name) for need in self._needs if need.library}
        lacking = {(need.user, need.name) for need in self._needs if not need.library}
        providers = self._providers()
        return sorted(
            Missing(user, name, providers.get(name, ""))
            for user, name in lacking - found
            if not is_driver(name)
        )

    def outdated(self) -> list[Outdated]:
        """Name each library that has not the versions of symbols a file wants, in whatever process.

        A library without any versions is let pass, as the loader does.
        """
        met: set[tuple[str, str]] = set()
        unmet: dict[tuple[str, str], Outdated] = {}
        for need in self._needs:
            lacking = self._lacking(need)
            if lacking:
                unmet[need.user, need.name] = Outdated(need.user, need.library, lacking)
            elif need.library:
                met.add((need.user, need.name))
        return sorted(outdated for key, outdated in unmet.items() if key not in met)

    def needed_by(self) -> Mapping[str, frozenset[str]]:
        """Give the files that load each library, by its real path."""
        users: dict[str, set[str]] = defaultdict(set)
        for need in self._needs:
            if need.library:
                users[need.library].add(need.user)
        return {library: frozenset(paths) for library, paths in users.items()}

    @cached_property
    def _needs(self) -> frozenset[_Need]:
        return frozenset(
            need for path, info in self.files.items() for need in self._load(_Loaded(path, info))
        )

    def _lacking(self, need: _Need) -> tuple[str, ...]:
        user, library = self.files.get(need.user), self.files.get(need.library)
        if user is None or library is None or not library.defines:
            return ()
        return tuple(version for version in user.wants.get(need.name, ()) if version not in library.defines)

    def _load(self, root: _Loaded) -> Iterator[_Need]:
        """Load breadth first, as the loader does; yield each file's needs, and what meets them."""
        loaded = {root.info.soname: root, posixpath.basename(root.path): root}
        queue = deque([root])
        while queue:
            user = queue.popleft()
            real = self.find(user.path) or user.path
            for name in user.info.needed:
                child = loaded.get(name)
                if child is None and (child := self._search(name, user)) is not None:
                    loaded |= {name: child, child.info.soname: child}
                    queue.append(child)
                library = (self.find(child.path) or child.path) if child is not None else ""
                yield _Need(real, name, library)

    def _search(self, name: str, user: _Loaded) -> _Loaded | None:
        if "/" in name:
            return self._open(name, user)
        for folder in self._folders(user):
            if (child := self._open(f"{folder}/{name}", user)) is not None:
                return child
        return self._open(self.cache[name], user) if name in self.cache else None

    def _folders(self, user: _Loaded) -> Iterator[str]:
        """Yield where to look, in order; the cache comes last, which is the same where names are unique."""
        if not user.info.runpath:
            above: _Loaded | None = user
            while above is not None:
                if not above.info.runpath:
                    yield from self._expanded(above.info.rpath, above)
                above = above.parent
        yield from self.library_path
        yield from self._expanded(user.info.runpath, user)
        triplet = f"{self.machine}-linux-gnu"
        yield from (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib64", "/usr/lib64", "/lib", "/usr/lib")

    def _expanded(self, folders: tuple[str, ...], user: _Loaded) -> Iterator[str]:
        """Replace the dynamic string tokens; `$LIB` is one of two, by distribution."""
        origin = "/" + posixpath.dirname(user.path).lstrip("/")
        for folder in folders:
            text = _replace(_replace(folder, "ORIGIN", origin), "PLATFORM", self.machine)
            for lib in (f"lib/{self.machine}-linux-gnu", "lib64", "lib"):
                yield _replace(text, "LIB", lib)
                if "LIB" not in text:
                    break

    def _open(self, path: str, user: _Loaded) -> _Loaded | None:
        real = self.find(path.lstrip("/"))
        info = self.files.get(real) if real is not None else None
        if info is None or (info.machine, info.bits) != (user.info.machine, user.info.bits):
            return None  # the loader, too, passes over libraries of other machines
        return _Loaded(path.lstrip("/"), info, user)

    def _providers(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for path, info in sorted(self.files.items()):
            names.setdefault(posixpath.basename(path), path)
            if info.soname:
                names.setdefault(info.soname, path)
        return names


def is_driver(name: str) -> bool:
    """Tell whether a library comes from the host's GPU driver."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in DRIVER_LIBRARIES)


def is_optional(path: str) -> bool:
    """Tell whether the file at `path` is a part that the service can do without."""
    return any(part in f"/{path}" for part in OPTIONAL_PARTS)


def parse_cache(data: bytes) -> dict[str, str]:
    """Read an `ld.so.cache`: the path of each library by its name (glibc, `dl-cache.h`, format 1.1).

    What cannot be read gives an empty mapping, as it does for the loader.
    """
    start = data.find(_CACHE_MAGIC)
    if start < 0:
        return {}
    data = data[start:]
    found: dict[str, str] = {}
    try:
        (count,) = struct.unpack_from("<I", data, len(_CACHE_MAGIC))
        for index in range(min(count, len(data) // 24)):
            _, key, value = struct.unpack_from("<iII", data, 48 + 24 * index)
            found.setdefault(_text(data, key), _text(data, value))
    except (struct.error, ValueError):
        return {}
    return found


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def _replace(text: str, token: str, value: str) -> str:
    return text.replace(f"${{{token}}}", value).replace(f"${token}", value)
