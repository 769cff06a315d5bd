"""Which package has a file: a suite's Contents indexes (Debian RepositoryFormat, "Contents indices")."""

from __future__ import annotations

import lzma
import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from gzip import BadGzipFile
from typing import TypeAlias

import msgspec

from lightship.debs.index import map_file
from lightship.debs.release import Release
from lightship.debs.store import IndexStore, PackedIndex
from lightship.digest import CHUNK, Digest, of_value
from lightship.errors import IntegrityError
from lightship.fs.atomic import writing
from lightship.platform import Platform

_RULES = 1  # of what counts as a library: part of the key under which the extract is kept
_LIBRARY = re.compile(rb"\.so(?:\.[^/\s]+)?[ \t]")
_LIBRARY_FOLDERS = (b"lib/", b"lib64/", b"usr/lib/", b"usr/lib64/")
_BLANKS = (b" ", b"\t")
_DAMAGED = (EOFError, lzma.LZMAError, zlib.error, BadGzipFile)


class Owner(msgspec.Struct, frozen=True, order=True):
    """A package, and the path in it, without leading slash, by which it was found."""

    package: str
    path: str

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)


Owners: TypeAlias = dict[str, tuple[Owner, ...]]
"""Who has each name that was looked for; a name that nobody has is left out."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The Contents of a suite, for one platform; fetched when first asked.

    `release` is the suite's own. Those of its updates add no names of packages, and Debian's security archive
    has no Contents.
    """

    store: IndexStore
    release: Release
    platform: Platform

    @property
    def digest(self) -> Digest:
        """Stands for what the indexes say; none of them is fetched for it."""
        files = self.release.files.items()
        return of_value(sorted((path, file.sha256) for path, file in files if "/Contents-" in path))

    def find_paths(self, names: Iterable[str]) -> Owners:
        """Find packages by a path, or by any number of its last parts: `libpq-fe.h`, `bin/pg_config`.

        Packages of the architecture come before those for all, which are only looked at for what the first
        do not have: reading the two takes seconds.

        Raises:
            IntegrityError: an index that is not what the Release signs.
            NetworkError: a mirror that cannot be read, or offline, an index that is not in the cache.

        """
        left = frozenset(names)
        found: Owners = {}
        for architecture in (self.platform.debian, "all"):
            if left:
                found |= _gathered(search(_chunks(index), left) for index in self._indexes(architecture))
                left -= found.keys()
        return found

    def find_libraries(self, names: Iterable[str]) -> Owners:
        """Find packages by the file names of libraries; those that the loader finds by itself come first.

        It takes milliseconds once the libraries of a suite have been extracted.

        Raises:
            IntegrityError, NetworkError: as `find_paths`.

        """
        wanted = frozenset(names)
        if not wanted:
            return {}
        indexes = self._indexes(self.platform.debian)
        found = _gathered(search(self._libraries(index), wanted) for index in indexes)
        folders = loader_folders(self.platform)
        return {
            name: tuple(sorted(owners, key=lambda owner: (owner.folder not in folders, owner)))
            for name, owners in found.items()
        }

    def _indexes(self, architecture: str) -> Iterator[PackedIndex]:
        for component in self.release.source.components:
            index = self.store.contents(self.release, component, architecture)
            if index is not None:
                yield index

    def _libraries(self, index: PackedIndex) -> Iterator[bytes]:
        """Read the lines of an index that are about libraries, a 30th of it."""
        path = self.store.cache / "libraries" / of_value([_RULES, index.sha256]).partition(":")[2]
        if not path.is_file():
            with writing(path) as stream:
                stream.writelines(_library_lines(_chunks(index)))
        yield bytes(map_file(path))


def loader_folders(platform: Platform) -> frozenset[str]:
    """Folders that Debian's dynamic loader searches without being told (ld.so(8))."""
    names = (f"lib/{platform.multiarch}", "lib64", "lib")
    return frozenset((*names, *(f"usr/{name}" for name in names)))


def search(texts: Iterable[bytes], names: Iterable[str]) -> Owners:
    """Find paths that are one of `names`, or end in it after a slash, in texts of whole lines.

    Searching for each name's bytes is many times faster than looking at every line.
    """
    wanted = {name: name.encode() for name in names}
    found: dict[str, set[Owner]] = {}
    for text in texts:
        for name, key in wanted.items():
            for line in _lines_with(text, key):
                owners = [owner for owner in _owners(line) if f"/{owner.path}".endswith(f"/{name}")]
                if owners:
                    found.setdefault(name, set()).update(owners)
    return _in_order(found)


def _lines_with(text: bytes, key: bytes) -> Iterator[bytes]:
    """Give the lines in which a blank follows `key`, as it follows a path."""
    for blank in _BLANKS:
        at = text.find(key + blank)
        while at >= 0:
            end = text.find(b"\n", at)
            end = end if end >= 0 else len(text)
            yield text[text.rfind(b"\n", 0, at) + 1 : end]
            at = text.find(key + blank, end)


def _owners(line: bytes) -> Iterator[Owner]:
    """Read `path  section/package,section/package`; a path may hold blanks, and a section a slash."""
    path, _, packages = line.decode(errors="surrogateescape").rstrip().replace("\t", " ").rpartition(" ")
    for package in packages.split(","):
        yield Owner(package.rpartition("/")[2], path.rstrip())


def _library_lines(texts: Iterable[bytes]) -> Iterator[bytes]:
    for text in texts:
        end = -1
        for match in _LIBRARY.finditer(text):
            start = text.rfind(b"\n", 0, match.start()) + 1
            if start > end and text.startswith(_LIBRARY_FOLDERS, start):
                end = text.find(b"\n", start)
                yield text[start:end] + b"\n"


def _chunks(index: PackedIndex) -> Iterator[bytes]:
    """Unpack an index piece by piece, each of whole lines."""
    rest = b""
    try:
        with index.open() as stream:
            while chunk := stream.read(4 * CHUNK):
                whole, newline, tail = chunk.rpartition(b"\n")
                if newline:
                    yield rest + whole + b"\n"
                    rest = b""
                rest += tail
    except _DAMAGED as error:
        hint = "empty the cache (`lightship cache prune`) and run the command again: it will be fetched anew"
        raise IntegrityError("a damaged index", where=str(index.path), hint=hint) from error
    if rest:
        yield rest + b"\n"


def _gathered(answers: Iterable[Owners]) -> Owners:
    found: dict[str, set[Owner]] = {}
    for answer in answers:
        for name, owners in answer.items():
            found.setdefault(name, set()).update(owners)
    return _in_order(found)


def _in_order(found: Mapping[str, set[Owner]]) -> Owners:
    return {name: tuple(sorted(owners)) for name, owners in found.items()}
